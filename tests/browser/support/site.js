import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const STATIC = fileURLToPath(new URL("../../../static/", import.meta.url));
export const SIGN_IN = "https://sign-in.example";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** The content security policy of template.yaml, which every page has to work under. */
const POLICY = `default-src 'self'; connect-src 'self' ${SIGN_IN}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'`;

/** Serves static/ as the cloud does. The API and the sign-in service are the test's to mock. */
export async function startSite() {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const send = (status, name, body) => {
      response.writeHead(status, { "Content-Type": TYPES[extname(name)] ?? "text/plain", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff" });
      response.end(body);
    };
    const name = path === "/" ? "index.html" : path.slice(1);
    try {
      send(200, name, await readFile(join(STATIC, name)));
    } catch {
      send(404, "404.txt", "Not Found");
    }
  });
  await new Promise((resolve) => server.listen(0, "localhost", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { url: `http://localhost:${port}`, stop: () => new Promise((resolve) => server.close(resolve)) };
}
