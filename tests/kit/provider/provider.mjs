// An OpenID provider in which everybody is logged in without a page: whom `login_hint` names, or
// whom the test has chosen. Orders come as lines of JSON on stdin and are answered on stdout.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

// what the provider warns of (no https, keys in memory) is so on purpose; stdout is for answers
console.info = console.warn = console.error;
const { Provider } = await import("oidc-provider");

const options = JSON.parse(process.argv[2]);
const accounts = new Map();
const records = new Map();
const cookieKey = randomBytes(32).toString("hex");
let keys = [];
let chosen = null;
let failure = null;

// records outlive the provider object, which is made anew when keys change
class Records {
  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload) {
    records.set(this.key(id), payload);
  }
  async find(id) {
    return records.get(this.key(id));
  }
  async findByUid(uid) {
    return this.some((payload) => payload.uid === uid);
  }
  async findByUserCode(userCode) {
    return this.some((payload) => payload.userCode === userCode);
  }
  async consume(id) {
    (await this.find(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    records.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of records) if (payload.grantId === grantId) records.delete(key);
  }
  some(matches) {
    for (const [key, payload] of records)
      if (key.startsWith(`${this.model}:`) && matches(payload)) return payload;
    return undefined;
  }
}

function makeKey() {
  const { privateKey } =
    options.algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = privateKey.export({ format: "jwk" });
  return { ...jwk, alg: options.algorithm, use: "sig", kid: randomBytes(8).toString("hex") };
}

// everybody consents to everything that a client asks for
async function grantAll(ctx) {
  const { client, session, params } = ctx.oidc;
  const grant = new ctx.oidc.provider.Grant({
    clientId: client.clientId,
    accountId: session.accountId,
  });
  grant.addOIDCScope(params.scope ?? "openid");
  await grant.save();
  return grant;
}

function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    adapter: Records,
    jwks: { keys },
    cookies: { keys: [cookieKey] },
    claims: options.claims,
    scopes: ["openid", "offline_access"],
    conformIdTokenClaims: !options.claims_in_id_token,
    clientAuthMethods: options.auth_methods,
    clientDefaults: { id_token_signed_response_alg: options.algorithm },
    enabledJWA: { idTokenSigningAlgValues: [options.algorithm] },
    pkce: { required: () => false },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    loadExistingGrant: grantAll,
    async findAccount(ctx, sub) {
      const claims = accounts.get(sub);
      return claims && { accountId: sub, claims: async () => ({ ...claims, sub }) };
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  });
  return { provider, answer: provider.callback() };
}

async function interact(provider, request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const accountId = params.login_hint ?? chosen;
  // a native client has its people asked each time (RFC 8252 §8.6), so consent is given too
  const result =
    failure !== null ? failure
    : accounts.has(accountId) ? { login: { accountId }, consent: {} }
    : { error: "access_denied", error_description: "nobody of that name" };
  await provider.interactionFinished(request, response, result);
}

const server = createServer((request, response) => {
  if (!request.url.startsWith("/interaction/")) return current.answer(request, response);
  interact(current.provider, request, response).catch((error) => {
    response.statusCode = 400;
    response.end(String(error));
  });
});
await new Promise((listening) => server.listen(options.port, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
keys = [makeKey()];
let current = makeProvider(issuer);

const orders = {
  async client({ metadata }) {
    await new Records("Client").upsert(metadata.client_id, metadata);
  },
  async account({ sub, claims }) {
    accounts.set(sub, claims);
    chosen ??= sub;
  },
  async choose({ sub }) {
    chosen = sub;
  },
  async fail({ result }) {
    failure = result;
  },
  async rotate({ keep }) {
    keys = [makeKey(), ...(keep ? keys : [])];
    current = makeProvider(issuer);
  },
};

const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
tell({ issuer });
for await (const line of createInterface({ input: process.stdin })) {
  const { order, ...rest } = JSON.parse(line);
  try {
    await orders[order](rest);
    tell({});
  } catch (error) {
    tell({ error: String(error) });
  }
}
process.exit(0);
