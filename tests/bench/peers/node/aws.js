// How AWS is reached: region and credentials from Lambda's environment, with the timeouts of crates/aws. The SDK keeps connections alive.
const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;

// A warning that Node 20 is about to end would cost each start some milliseconds.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

/** For each service's client. */
export const clientOptions = {
  region: AWS_REGION,
  credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, sessionToken: AWS_SESSION_TOKEN },
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1500, requestTimeout: 1500, throwOnRequestTimeout: true },
};
