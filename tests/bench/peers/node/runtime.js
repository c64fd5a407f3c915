// The Lambda Runtime API's loop: smaller than AWS's own client, so that a peer is not charged for that one.
// See https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true });
const [hostname, port] = (process.env.AWS_LAMBDA_RUNTIME_API ?? "").split(":");

/** Has the handler, `(event, requestId) => answer`, answer one invocation after the other. */
export async function serve(handler) {
  for (;;) {
    const { headers, body } = await call("GET", "next");
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      const answer = await handler(JSON.parse(body), id);
      await call("POST", `${id}/response`, JSON.stringify(answer));
    } catch (error) {
      await call("POST", `${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
    }
  }
}

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const options = { agent, hostname, port, method, path: `/2018-06-01/runtime/invocation/${path}` };
    const asked = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ headers: response.headers, body: text }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
