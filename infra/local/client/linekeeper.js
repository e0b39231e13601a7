/**
 * Linekeeper from a PWA: one file, nothing to install, nothing to build. Read it, and take what you need.
 *
 *   const linekeeper = new Linekeeper({ base, token, device, key: await deviceKey(accountId) });
 *   const change = await linekeeper.ask({ kind: 'sim_swap', line_id, sim: { iccid } });
 *   const challenge = await linekeeper.challenge(change.change_id, change.factors[0].factor);
 *   await linekeeper.answer(change.change_id, challenge.challenge_id, { code: '123456' });
 *
 * It uses no eval, no inline script and no foreign origin: `script-src 'self'; connect-src <base>` is policy enough.
 */

/** What the API answers when it says no: a problem document (RFC 9457). `detail` says what the customer can do. */
export class Problem extends Error {
  constructor(status, { type = '', title = 'The request failed', detail = '' } = {}, retryAfter = null) {
    super(detail || title);
    this.status = status;
    /** Its short name, such as `code-wrong`; empty when something else than Linekeeper answered. */
    this.name = type.replace(/^urn:linekeeper:problem:/, '');
    this.title = title;
    this.detail = detail;
    /** Seconds to wait before the next try, if the API asked for that. */
    this.retryAfter = retryAfter && Number(retryAfter);
  }
}

/** The API, for one signed-in customer on one device. */
export class Linekeeper {
  /**
   * @param base    where the API is reached. The proofs are for exactly this address, so it must be the stack's own
   *                `ApiUrl`, not a proxy's.
   * @param token   the access token, or an async function that gives one that has not expired
   * @param device  an id that your app made once (`crypto.randomUUID()`) and keeps on this device
   * @param key     the device's key pair from `deviceKey`, if this device has one
   */
  constructor({ base, token, device, key }) {
    this.base = base.replace(/\/$/, '');
    this.token = token;
    this.device = device;
    this.key = key;
  }

  /** Lines, protections, ways to be reached, enrolled factors. */
  account() { return this.#send('GET', '/v1/account'); }
  change(id) { return this.#send('GET', `/v1/changes/${id}`); }
  changes() { return this.#send('GET', '/v1/changes'); }

  /**
   * Asks for a change. After a network failure ask again with the same `wish`: the answer is then the same change,
   * not a second one.
   */
  ask(change, wish = crypto.randomUUID()) {
    return this.#send('POST', '/v1/changes', change, { 'idempotency-key': `"${wish}"` });
  }

  /** Opens a challenge: a code is sent, or the answer says what to do. `enrol` sets the change's new factor up. */
  challenge(change, factor, enrol = false) {
    return this.#send('POST', `/v1/changes/${change}/challenges`, { factor, enrol });
  }

  /** Answers it: `{ code }`, `{ passkey }`, or `{}` where the request's own proof is the answer (device keys). */
  answer(change, challenge, answer) {
    return this.#send('POST', `/v1/changes/${change}/challenges/${challenge}/answer`, answer);
  }

  /** Stops a change. Never throttled, and no proof is asked for. */
  cancel(change) { return this.#send('POST', `/v1/changes/${change}/cancel`); }

  /** What protects her, what an attacker would need, what to do next. */
  checkUp() { return this.#send('GET', '/v1/check-up'); }

  /**
   * Reports fraud: `{ lines, changes, factors, contacts, phone_lost }`, any of them; `{ lines: [] }` is everything.
   * Locks the account and opens a case. Never throttled, and no proof is asked for.
   */
  reportFraud(report) { return this.#send('POST', '/v1/fraud-reports', report); }

  async #send(method, path, body, more = {}) {
    const token = typeof this.token === 'function' ? await this.token() : this.token;
    const offset = String(-new Date().getTimezoneOffset());
    const headers = { authorization: `Bearer ${token}`, 'x-linekeeper-device': this.device, 'x-linekeeper-utc-offset': offset, ...more };
    if (body) headers['content-type'] = 'application/json';
    // A proof is good once and for a minute: every request makes its own, and so does every repeat.
    if (this.key) headers.dpop = await proof(this.key, method, this.base + path, token);
    return read(await fetch(this.base + path, { method, headers, body: body && JSON.stringify(body), cache: 'no-store' }));
  }
}

/** Stops what a notice told of, by the token behind the `#` of its link. Needs no sign-in. */
export async function notMe(base, token) {
  const headers = { 'content-type': 'application/json' };
  return read(await fetch(`${base}/v1/not-me`, { method: 'POST', headers, body: JSON.stringify({ token }) }));
}

async function read(answer) {
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, body, answer.headers.get('retry-after'));
  return body;
}

// ---------------------------------------------------------------- the device's key (DPoP, RFC 9449)

/**
 * This device's key pair for an account, made where there is none. Its private half cannot be exported, not even by
 * this page: who steals the token, or runs a script here for a moment, cannot take it along. IndexedDB keeps it.
 */
export async function deviceKey(account) {
  const known = await knownDeviceKey(account);
  if (known) return known;
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  await keys('readwrite', (store) => store.put(pair, account));
  // Without this a browser that is short of space may throw the key away.
  await navigator.storage?.persist?.();
  return pair;
}

/** The key pair, if this device has one for the account. */
export function knownDeviceKey(account) { return keys('readonly', (store) => store.get(account)); }

/** A signed statement that whoever holds the key sends this request, now, with this token. */
export async function proof(pair, method, url, token) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } };
  const claims = {
    jti: crypto.randomUUID(),
    htm: method,
    htu: url.split(/[?#]/)[0],
    iat: Math.floor(Date.now() / 1000),
    ath: base64url(await crypto.subtle.digest('SHA-256', utf8(token))),
  };
  const signed = [header, claims].map((part) => base64url(utf8(JSON.stringify(part)))).join('.');
  // WebCrypto gives r and s side by side, which is what a JWS wants.
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, utf8(signed));
  return `${signed}.${base64url(signature)}`;
}

function keys(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('linekeeper', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction('keys', mode);
      const request = act(transaction.objectStore('keys'));
      transaction.oncomplete = () => { opening.result.close(); resolve(request.result); };
      transaction.onabort = () => reject(transaction.error);
    };
  });
}

// ---------------------------------------------------------------- passkeys (WebAuthn)

/** Makes a passkey by the options of a challenge; gives what to answer with. Call it from a click: Safari insists. */
export async function createPasskey(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON?.(options) ?? {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: descriptors(options.excludeCredentials),
  };
  return { passkey: asJson(await navigator.credentials.create({ publicKey })) };
}

/** Has a passkey sign by the options of a challenge; gives what to answer with. */
export async function usePasskey(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON?.(options) ?? {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: descriptors(options.allowCredentials),
  };
  return { passkey: asJson(await navigator.credentials.get({ publicKey })) };
}

const descriptors = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));

// Browsers before 2025, and some password managers that stand in for them, lack toJSON.
function asJson(credential) {
  if (credential.toJSON) return credential.toJSON();
  const response = {};
  for (const part of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (credential.response[part]) response[part] = base64url(credential.response[part]);
  }
  const { id, type } = credential;
  return { id, rawId: base64url(credential.rawId), type, response, clientExtensionResults: {} };
}

// ---------------------------------------------------------------- codes by SMS (WebOTP)

/**
 * The code of the next SMS that ends in `@your.host #123456`, once the customer agrees; nothing where the browser
 * cannot do it. Abort it when the code was typed instead, and before a passkey is asked for. Beside it the input
 * needs `autocomplete="one-time-code"`: that is how iOS and the other browsers offer the code.
 */
export async function receiveCode(signal) {
  if (!('OTPCredential' in globalThis)) return null;
  // Aborted, refused or not allowed in this frame: she types it.
  const otp = await navigator.credentials.get({ otp: { transport: ['sms'] }, signal }).catch(() => null);
  return otp?.code ?? null;
}

// ---------------------------------------------------------------- bytes

const utf8 = (text) => new TextEncoder().encode(text);

function base64url(buffer) {
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
}

// ---------------------------------------------------------------- `cargo local up` only

/** The demo's customers, each with a token. Where your app signs in by OpenID Connect, the local issuer just hands out. */
export async function localCustomers() { return read(await fetch('/_local/customers.json')); }
