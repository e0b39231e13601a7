// Keys and answers that both functions share. The items are this baseline's own, in the product's tables.
export const state = process.env.STATE_TABLE;
export const ledger = process.env.LEDGER_TABLE;
export const macKey = process.env.MAC_KEY;

export const accountKey = (account) => ({ pk: { S: `node#${account}` }, sk: { S: "ACCOUNT" } });
export const lineKey = (account, line) => ({ pk: { S: `node#${account}` }, sk: { S: `LINE#${line}` } });
export const message = (purpose, line, change, challenge, code) =>
  new TextEncoder().encode(JSON.stringify([purpose, line, change, challenge, code]));
export const answer = (statusCode, body) => ({
  statusCode,
  headers: { "content-type": statusCode < 400 ? "application/json" : "application/problem+json" },
  body: JSON.stringify(body),
});
export const problem = (statusCode, type) => answer(statusCode, { type: `urn:otp:${type}`, status: statusCode });
export const account = (event) => event.requestContext?.authorizer?.jwt?.claims?.sub;
export const entry = (pk, seq, body) => ({
  Put: {
    TableName: ledger,
    Item: { pk: { S: pk }, seq: { N: String(seq) }, entry: { S: JSON.stringify(body) } },
    ConditionExpression: "attribute_not_exists(pk)",
  },
});
