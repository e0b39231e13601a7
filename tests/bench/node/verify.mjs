// Answers a challenge: claims an attempt, compares inside KMS, and consumes the code with what it was for.
import { DynamoDBClient, TransactWriteItemsCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { KMSClient, VerifyMacCommand } from "@aws-sdk/client-kms";
import { run } from "./runtime.mjs";
import { account, accountKey, answer, entry, lineKey, macKey, message, problem, state } from "./shared.mjs";

const dynamo = new DynamoDBClient({});
const kms = new KMSClient({});

run(async (event) => {
  const who = account(event);
  const [, , , line, change, , challenge] = event.rawPath.split("/");
  if (!who || !challenge) return problem(401, "unauthenticated");
  const { code } = JSON.parse(event.body);
  if (!/^[0-9]{6}$/.test(code)) return problem(422, "code");

  let claimed;
  try {
    claimed = await dynamo.send(
      new UpdateItemCommand({
        TableName: state,
        Key: lineKey(who, line),
        UpdateExpression: "SET tries = tries + :one",
        ConditionExpression: "challenge = :challenge AND tries < :most AND expires > :now",
        ExpressionAttributeValues: {
          ":one": { N: "1" },
          ":most": { N: "5" },
          ":challenge": { S: challenge },
          ":now": { N: String(Math.floor(Date.now() / 1000)) },
        },
        ReturnValues: "ALL_NEW",
      }),
    );
  } catch (error) {
    if (error.name === "ConditionalCheckFailedException") return problem(409, "challenge-over");
    throw error;
  }
  const found = claimed.Attributes;
  try {
    await kms.send(
      new VerifyMacCommand({
        KeyId: macKey,
        MacAlgorithm: "HMAC_SHA_256",
        Message: message("change", line, change, challenge, code),
        Mac: found.mac.B,
      }),
    );
  } catch (error) {
    if (error.name === "KMSInvalidMacException") return problem(422, "code-wrong");
    throw error;
  }
  const seq = Number(found.seq.N);
  await dynamo.send(
    new TransactWriteItemsCommand({
      TransactItems: [
        entry(`node#${who}#LINE#${line}`, seq + 1, { event: "proven", change, challenge, at: Date.now() }),
        {
          Update: {
            TableName: state,
            Key: lineKey(who, line),
            UpdateExpression: "SET seq = :next, verified = :change REMOVE challenge, mac",
            ConditionExpression: "seq = :seq AND challenge = :challenge",
            ExpressionAttributeValues: {
              ":next": { N: String(seq + 1) },
              ":seq": { N: String(seq) },
              ":challenge": { S: challenge },
              ":change": { S: change },
            },
          },
        },
        {
          ConditionCheck: { TableName: state, Key: accountKey(who), ConditionExpression: "attribute_exists(pk)" },
        },
      ],
    }),
  );
  return answer(200, { change_id: change, status: "verified" });
});
