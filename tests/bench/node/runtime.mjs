// The loop of a Lambda runtime, and nothing else: less than what AWS's own runtime for Node.js does at start.
import http from "node:http";

const agent = new http.Agent({ keepAlive: true, noDelay: true });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const base = "/2018-06-01/runtime/invocation/";

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ agent, host, port, method, path: base + path }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ headers: response.headers, text: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

export async function run(handler) {
  for (;;) {
    const { headers, text } = await call("GET", "next");
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      await call("POST", `${id}/response`, JSON.stringify(await handler(JSON.parse(text))));
    } catch (error) {
      await call("POST", `${id}/error`, JSON.stringify({ errorMessage: String(error?.stack ?? error) }));
    }
  }
}
