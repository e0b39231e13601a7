// Opens a challenge: one read, one MAC, one transaction, one push.
import { randomInt, randomUUID } from "node:crypto";
import { BatchGetItemCommand, DynamoDBClient, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { GenerateMacCommand, KMSClient } from "@aws-sdk/client-kms";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { run } from "./runtime.mjs";
import { account, accountKey, answer, entry, lineKey, macKey, message, problem, state } from "./shared.mjs";

const dynamo = new DynamoDBClient({});
const kms = new KMSClient({});
const sns = new SNSClient({});

run(async (event) => {
  const who = account(event);
  const [, , , line, change] = event.rawPath.split("/");
  if (!who || !change) return problem(401, "unauthenticated");
  const { factor } = JSON.parse(event.body);
  if (factor !== "push_otp") return problem(422, "factor");

  const read = await dynamo.send(
    new BatchGetItemCommand({
      RequestItems: { [state]: { Keys: [accountKey(who), lineKey(who, line)], ConsistentRead: true } },
    }),
  );
  const items = read.Responses[state];
  const owner = items.find((item) => item.sk.S === "ACCOUNT");
  const found = items.find((item) => item.sk.S !== "ACCOUNT");
  if (!owner || !found || found.change.S !== change) return problem(404, "not-found");
  if (Number(found.sends.N) >= 5) return problem(429, "too-many");

  const code = String(randomInt(1_000_000)).padStart(6, "0");
  const challenge = randomUUID();
  const mac = await kms.send(
    new GenerateMacCommand({ KeyId: macKey, MacAlgorithm: "HMAC_SHA_256", Message: message("change", line, change, challenge, code) }),
  );
  const seq = Number(found.seq.N);
  const expires = Math.floor(Date.now() / 1000) + 300;
  await dynamo.send(
    new TransactWriteItemsCommand({
      TransactItems: [
        entry(`node#${who}#LINE#${line}`, seq + 1, { event: "challenge_opened", change, challenge, at: Date.now() }),
        {
          Update: {
            TableName: state,
            Key: lineKey(who, line),
            UpdateExpression: "SET seq = :next, sends = sends + :one, challenge = :challenge, mac = :mac, expires = :expires, tries = :none",
            ConditionExpression: "seq = :seq",
            ExpressionAttributeValues: {
              ":next": { N: String(seq + 1) },
              ":seq": { N: String(seq) },
              ":one": { N: "1" },
              ":none": { N: "0" },
              ":challenge": { S: challenge },
              ":mac": { B: mac.Mac },
              ":expires": { N: String(expires) },
            },
          },
        },
        {
          ConditionCheck: {
            TableName: state,
            Key: accountKey(who),
            ConditionExpression: "seq = :seq",
            ExpressionAttributeValues: { ":seq": owner.seq },
          },
        },
      ],
    }),
  );
  await sns.send(
    new PublishCommand({ TargetArn: owner.push.S, Message: `Move your line? Never tell anyone this code.\n\n@my.mobile.example #${code}` }),
  );
  return answer(201, { challenge_id: challenge, factor, expires_at: new Date(expires * 1000).toISOString() });
});
