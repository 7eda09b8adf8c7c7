// The admin API. The token is kept for this tab alone, and sent in a header alone.

const KEY = "stanchion-token";
const TIMEOUT = 10000;

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

// A refusal, with what the edge says is wrong; or that no answer came.
export class Refused extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }

  get isSilence() { return this.status === 0; }
}

async function once(method, path, { body, headers, bearer } = {}) {
  let answer;
  try {
    answer = await fetch(`api/v1/${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${bearer || token.get()}`,
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch {
    throw new Refused(0, "silence", "no answer came from this edge");
  }
  let value = null;
  try { value = await answer.json(); } catch { /* said below */ }
  if (!answer.ok) {
    throw new Refused(answer.status, value?.code || "unreadable", value?.detail || `the edge answered ${answer.status}`);
  }
  if (value === null) throw new Refused(0, "unreadable", "the answer of this edge broke off");
  return { value, tag: answer.headers.get("ETag") };
}

export const read = (path, bearer) => once("GET", path, { bearer });

export const ask = (path, body) => once("POST", path, { body });

function key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A change, made from the configuration with this tag. Where no answer comes it is sent once more: by its key it is not
// done twice.
export async function change(method, path, body, tag) {
  const headers = { "Idempotency-Key": key(), ...(tag && { "If-Match": tag }) };
  try {
    return await once(method, path, { body, headers });
  } catch (error) {
    if (!error.isSilence) throw error;
    return once(method, path, { body, headers });
  }
}
