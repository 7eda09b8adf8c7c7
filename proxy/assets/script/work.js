// What has to be found before there is a place, and then: the place. Without script the page waits and asks again.
const work = JSON.parse(document.getElementById("work").textContent);
const ticket = "/.waiting-room/" + work.room + "/ticket";
const done = document.getElementById("done");

// Runs in a worker, so that the page stays awake: for each part the first number for which the SHA-256 of
// `<seed>.<part>.<number>` begins with so many zeros. Each of these texts fits into one block.
function find() {
  const fraction = (value) => ((value - Math.floor(value)) * 4294967296) | 0;
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const K = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
  const H = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
  const W = new Int32Array(64), block = new Uint8Array(64);
  const turn = (x, by) => (x >>> by) | (x << (32 - by));
  // The first 32 bits of the hash of the block's first bytes.
  const first = (length) => {
    block.fill(0, length);
    block[length] = 128;
    for (let i = 0; i < 14; i++) W[i] = (block[i * 4] << 24) | (block[i * 4 + 1] << 16) | (block[i * 4 + 2] << 8) | block[i * 4 + 3];
    W[14] = 0;
    W[15] = length * 8;
    for (let i = 16; i < 64; i++) {
      const a = W[i - 15], b = W[i - 2];
      W[i] = W[i - 16] + W[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = H;
    for (let i = 0; i < 64; i++) {
      const s = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const t = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + s) | 0; d = c; c = b; b = a; a = (s + t) | 0;
    }
    return (a + H[0]) >>> 0;
  };
  onmessage = ({ data: { seed, parts, zero_bits } }) => {
    for (let part = 0; part < parts; part++) {
      const begin = seed + "." + part + ".";
      for (let i = 0; i < begin.length; i++) block[i] = begin.charCodeAt(i);
      for (let number = 0; ; number++) {
        const digits = String(number);
        for (let i = 0; i < digits.length; i++) block[begin.length + i] = digits.charCodeAt(i);
        if (first(begin.length + digits.length) >>> (32 - zero_bits) === 0) { postMessage(number); break; }
      }
    }
  };
}

// The page stands at the address that was asked for: with the place, asking again is all there is to do.
const again = () => (location.hash ? location.reload() : location.replace(location.href));
const later = (seconds, act) => setTimeout(act, 1000 * (seconds + Math.random()));

// Asks for the place, with the numbers or for having waited.
async function ask(numbers, tries) {
  try {
    const answer = await fetch(ticket, {
      method: "POST", credentials: "same-origin", headers: { "WR-Work": work.challenge + (numbers && ":" + numbers) },
    });
    const wait = Number(answer.headers.get("retry-after")) || 2;
    // Too many of this network at once: the work is good a little later too. So is waiting; meanwhile it goes on.
    if (answer.status === 429 || (answer.status === 428 && (await answer.json()).code.startsWith("work_or_wait"))) {
      later(wait, () => ask(numbers, tries));
    } else again();
  } catch { later(Math.min(2 ** tries, 30), () => ask(numbers, tries + 1)); }
}

function begin() {
  const numbers = [];
  const worker = new Worker(URL.createObjectURL(new Blob(["(" + find + ")()"])));
  worker.onmessage = ({ data }) => {
    numbers.push(data);
    if (done) done.value = numbers.length;
    if (numbers.length === work.parts) ask(numbers.join(), 0);
  };
  worker.postMessage(work);
}

if (location.protocol !== "file:") {
  // Waiting makes up for it, where this browser is slow or lets no worker run.
  later(Number(document.body.dataset.retry) || 30, () => ask("", 0));
  try { if (navigator.cookieEnabled) begin(); } catch { /* it waits */ }
}
