// Exchanges the job's ID token for one of the broker's. One file, without dependencies, run as it is.
//
// From the runner: inputs as INPUT_…, where to ask for the ID token, and the files that outputs and
// variables are appended to (GitHub, "Workflow commands"). To the runner: lines on standard output,
// of which those that start with `::` are commands.

import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const ATTEMPTS = 5
const TIMEOUT = 30_000 // milliseconds, for one request
const LONGEST_WAIT = 60_000 // milliseconds; who asks for more is not waited for
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/
const UIDP = /^[0-9a-f]{40}(\/[0-9a-f]{16})*$/
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const RESERVED = /^(GITHUB|RUNNER|ACTIONS|INPUT)_|^(NODE_OPTIONS|PATH|CI)$/i // the runner's own
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** A failure that is told without a stack. `again`: milliseconds after which another try may help. */
class Failure extends Error {
  constructor(message, { again = null } = {}) {
    super(message)
    this.again = again
  }
}

try {
  const wanted = inputs(process.env)
  const { token, expiry } = await patiently(() => exchange(wanted, process.env))
  hand('GITHUB_OUTPUT', 'token', token)
  hand('GITHUB_OUTPUT', 'expiry', expiry)
  if (wanted.env) hand('GITHUB_ENV', wanted.env, token)
  say(`A token for ${wanted.identity}, until ${expiry}.`)
} catch (error) {
  if (!(error instanceof Failure)) throw error
  command('error', error.message)
  process.exitCode = 1
}

function inputs(environ) {
  const text = (name) => (environ[`INPUT_${name.toUpperCase()}`] ?? '').trim()
  const list = (name) => text(name).split(/[\n,]/).map((one) => one.trim()).filter(Boolean)
  const issuer = checkedIssuer(text('issuer'))
  const identity = text('identity')
  if (!UIDP.test(identity)) {
    throw new Failure(`identity: ${quoted(identity)} is no UIDP, which is 40 hex digits, then a slash and 16 more for each level`)
  }
  const env = text('env')
  if (env && (!VARIABLE.test(env) || RESERVED.test(env))) {
    throw new Failure(`env: ${quoted(env)} cannot be set; expected a name of letters, digits and _ that is not the runner's own`)
  }
  return {
    issuer,
    identity,
    env,
    idTokenAudience: text('id-token-audience') || issuer,
    narrowing: [
      ...list('audience').map((value) => ['aud', value]),
      ...list('scopes').map((value) => ['scopes', value]),
      ...list('capabilities').map((value) => ['cap', value]),
    ],
  }
}

function checkedIssuer(text) {
  const url = URL.canParse(text) ? new URL(text) : null
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname))
  if (!isSafe || url.username || url.password || url.search || url.hash) {
    throw new Failure(`issuer: ${quoted(text)} is no URL of a broker; expected https://HOST`)
  }
  return text.replace(/\/+$/, '')
}

/** Tries again after 429, 5xx and broken connections, for as long as was asked for in `Retry-After`. */
async function patiently(work) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (error.again == null || error.again > LONGEST_WAIT || attempt === ATTEMPTS) throw error
      say(`${error.message}; attempt ${attempt} of ${ATTEMPTS}`)
      await sleep(error.again || 0)
    }
  }
}

/** One try. Each takes an ID token of its own, for identities that take one only once. */
async function exchange({ issuer, identity, idTokenAudience, narrowing }, environ) {
  const upstream = await idToken(idTokenAudience, environ)
  const url = `${issuer}/sts/exchange`
  const { status, headers, body } = await request('the broker', url, {
    method: 'POST',
    headers: { authorization: `Bearer ${upstream}` },
    body: new URLSearchParams([['identity', identity], ...narrowing]),
  })
  if (status !== 200) {
    throw new Failure(refusal(status, headers, body) + claims(upstream), { again: delay(status, headers) })
  }
  const { token, expiry } = body ?? {}
  if (typeof token !== 'string' || !JWT.test(token)) {
    throw new Failure(`${quoted(url)} gave no token: is it a broker?`)
  }
  mask(token)
  return { token, expiry: clean(expiry) }
}

async function idToken(audience, environ) {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = environ
  if (!address || !bearer) {
    throw new Failure('GitHub gives this job no ID token: it needs `permissions: id-token: write`, and a pull request from a fork never has that')
  }
  const url = new URL(address)
  url.searchParams.set('audience', audience)
  const { status, headers, body } = await request('GitHub', url, { headers: { authorization: `Bearer ${bearer}` } })
  if (status !== 200) {
    throw new Failure(`GitHub gave no ID token: status ${status}`, { again: delay(status, headers) })
  }
  if (typeof body?.value !== 'string' || !JWT.test(body.value)) {
    throw new Failure('GitHub gave no ID token: its answer has none')
  }
  mask(body.value)
  return body.value
}

async function request(name, url, options) {
  try {
    const response = await fetch(url, { ...options, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parsed(text) }
  } catch (error) {
    const why = error.cause?.code ?? error.cause?.message ?? error.name
    throw new Failure(`no answer from ${name}: ${clean(why)}`, { again: backoff() })
  }
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null // somebody else's page, perhaps; what it holds is not told
  }
}

/** Milliseconds until another try, null where none helps. `Retry-After`: RFC 9110 §10.2.3. */
function delay(status, headers) {
  if (status !== 429 && status < 500) return null
  const after = headers.get('retry-after')?.trim()
  if (!after) return backoff()
  const wait = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now()
  return Number.isNaN(wait) ? backoff() : Math.max(0, wait)
}

/** One to three seconds: jobs that start together do not come again together. */
function backoff() {
  return 1000 + Math.random() * 2000
}

function refusal(status, headers, body) {
  const detail = body?.details?.[0]
  const requestId = clean(headers.get('x-request-id') ?? '-')
  if (typeof body?.message !== 'string' || typeof detail?.reason !== 'string') {
    return `no broker's answer: status ${status}, request id ${requestId}`
  }
  const stage = detail.metadata?.stage ? `stage ${clean(detail.metadata.stage)}, ` : ''
  return `refused: ${clean(body.message)} (${stage}reason ${clean(detail.reason)}, request id ${requestId})`
}

/** What the rules of an identity look at first, for whoever reads the log. None of it is secret. */
function claims(token) {
  const { iss, sub, aud } = parsed(Buffer.from(token.split('.')[1], 'base64url').toString()) ?? {}
  return `; the ID token has ${clean(JSON.stringify({ iss, sub, aud }))}`
}

function mask(secret) {
  process.stdout.write(`::add-mask::${secret}\n`) // a JWT has nothing that would need escaping
}

function say(text) {
  process.stdout.write(`broker: ${clean(text)}\n`)
}

/** A workflow command. In its message `%` and line ends are escaped; the latter are not there. */
function command(name, message) {
  process.stdout.write(`::${name} title=Broker::${clean(message).replaceAll('%', '%25')}\n`)
}

/**
 * Nobody else's text ends a line, where a command could begin, or steers a terminal. Runners still take
 * the older form of a command, `##[name]`, anywhere in a line.
 */
function clean(text) {
  return String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').replaceAll('##[', '## [').slice(0, 2000)
}

function quoted(text) {
  return JSON.stringify(clean(text).slice(0, 200))
}

/** Appends to a file of the runner. The delimiter is random, so that no value can end itself. */
function hand(file, name, value) {
  const path = process.env[file]
  if (!path) throw new Failure(`${file} is not set: this runs inside GitHub Actions`)
  const delimiter = `broker_${randomUUID()}`
  appendFileSync(path, `${name}<<${delimiter}\n${value}\n${delimiter}\n`)
}
