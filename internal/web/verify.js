"use strict";

// What is verified here is what the command "redress verify receipt" verifies,
// in the same order and with the same words. The formats are those of C2SP:
// signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof.

// ---- Texts, in both languages -------------------------------------------

const text = (en, ko) => ({ en, ko });

// Refusal says why something is not proven, by a code that never changes.
class Refusal extends Error {
  constructor(code, en, ko) {
    super(code);
    this.code = code;
    this.text = text(en, ko);
  }
}

const keysMalformed = (line, why) => new Refusal("log_keys_malformed",
  `Line ${line} of the keys: ${why.en}; a line is log <key> [until <size>] or witness <key> [<url>].`,
  `키 파일 ${line}행: ${why.ko}. 각 행은 log <키> [until <크기>] 또는 witness <키> [<url>]입니다.`);
const receiptMalformed = (en, ko) => new Refusal("receipt_malformed", `The receipt cannot be read: ${en}.`, `접수증을 읽을 수 없습니다: ${ko}.`);
const checkpointMalformed = (en, ko) => new Refusal("checkpoint_malformed", `The checkpoint cannot be read: ${en}.`, `체크포인트를 읽을 수 없습니다: ${ko}.`);
const noSignedNote = () => checkpointMalformed("it is no signed note", "서명된 노트가 아닙니다");
const entryMalformed = () => new Refusal("entry_malformed",
  "The body is not that of an entry: a JSON object with at, id, subject and type.",
  "본문이 항목의 형식이 아닙니다. at, id, subject, type이 있는 JSON 객체여야 합니다.");

// ---- Bytes ---------------------------------------------------------------

const encode = (string) => new TextEncoder().encode(string);
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

// Bytes are also handled as strings of one character for each byte.
const toBytes = (binary) => Uint8Array.from(binary, (c) => c.charCodeAt(0));
function toBinary(bytes) {
  let binary = "";
  for (const b of bytes) binary += String.fromCharCode(b);
  return binary;
}

function concat(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

// base64 reads padded base64; null for anything else. canonical refuses what
// another encoder would have written differently.
function base64(string, canonical) {
  if (string.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(string)) return null;
  const binary = atob(string);
  return canonical && btoa(binary) !== string ? null : toBytes(binary);
}

function hashOf(line) {
  const hash = base64(line, true);
  return hash && hash.length === 32 ? hash : null;
}

const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const bigEndian = (bytes) => bytes.reduce((n, b) => n * 256n + BigInt(b), 0n);

// ed25519 reports whether it is the key's signature of the message.
async function ed25519(key, signature, message) {
  if (signature.length !== 64) return false;
  try {
    const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, signature, message);
  } catch {
    return false; // the bytes are no point of the curve
  }
}

// What Unicode, and the log, take for white space.
const space = "\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const spaces = new RegExp(`[${space}]+`);
const isNoteName = (name) => name !== "" && !spaces.test(name) && !name.includes("+");
const isName = (name) => isNoteName(name) && !/[\u0000-\u001f\u007f-\u009f]/.test(name);

const maxSize = 1n << 60n;

// size reads a tree size or an index, decimal without leading zeros; null for
// anything else.
function size(string) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(string)) return null;
  const n = BigInt(string);
  return n <= maxSize ? n : null;
}

// ---- Keys ----------------------------------------------------------------

const typeLog = 1, typeWitness = 4;

const keyHash = async (name, type, key) => bigEndian((await sha256(encode(name + "\n"), [type], key)).subarray(0, 4));

// splitKey reads "name+hash+base64(type ‖ 32 bytes)" and checks the hash.
async function splitKey(string) {
  const parts = string.split("+");
  if (parts.length < 3 || !isName(parts[0]) || !/^[0-9a-fA-F]{8}$/.test(parts[1])) return null;
  const data = base64(parts.slice(2).join("+"), true); // base64 has plus signs of its own
  if (!data || data.length !== 33) return null;
  const key = { name: parts[0], hash: BigInt("0x" + parts[1]), type: data[0], key: data.subarray(1) };
  return key.hash === await keyHash(key.name, key.type, key.key) ? key : null;
}

// parseKeys reads the file of keys: the keys of one log, each up to the size at
// which it retired, and the witnesses whose cosignatures count.
async function parseKeys(file) {
  const keys = { origin: "", log: [], witnesses: [] };
  const known = new Set();
  const lines = file.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const words = lines[i].split(spaces).filter((word) => word !== "");
    if (words.length === 0 || words[0].startsWith("#")) continue;
    const why = await addKey(keys, known, words);
    if (why) throw keysMalformed(i + 1, why);
  }
  if (keys.log.length === 0) throw keysMalformed(1, text("no key of a log is given", "로그 키가 없습니다"));
  return keys;
}

// addKey takes the key of one line and says what is wrong with it.
async function addKey(keys, known, words) {
  if (words.length < 2) return text("the key is missing", "키가 없습니다");
  const key = await splitKey(words[1]);
  if (!key) return text("this is no verifier key", "검증 키가 아닙니다");
  if (known.has(toBinary(key.key))) return text("the same key stands here twice", "같은 키가 두 번 적혀 있습니다");
  known.add(toBinary(key.key));
  if (words[0] === "witness" && key.type === typeWitness && words.length <= 3) {
    keys.witnesses.push(key);
    return null;
  }
  if (words[0] !== "log" || key.type !== typeLog) return text("the key is not of that kind", "키의 종류가 맞지 않습니다");
  if (keys.origin !== "" && keys.origin !== key.name) return text("the keys of one log have one name", "한 로그의 키는 이름이 같아야 합니다");
  key.upTo = maxSize;
  if (words.length > 2) {
    key.upTo = words.length === 4 && words[2] === "until" ? size(words[3]) : null;
    if (key.upTo === null) return text("after the key may stand: until <size>", "키 다음에는 until <크기>만 올 수 있습니다");
  }
  keys.origin = key.name;
  keys.log.push(key);
  return null;
}

// ---- Signed checkpoints --------------------------------------------------

// openNote reads a signed note and verifies every signature by a key that is
// known; others are ignored. It answers the text and the verified signatures.
async function openNote(bytes, known) {
  let note;
  try {
    note = strict.decode(bytes);
  } catch {
    throw noSignedNote();
  }
  const split = note.lastIndexOf("\n\n");
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note) || split < 0 || split + 2 === note.length || !note.endsWith("\n")) throw noSignedNote();
  const body = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split("\n");
  const verified = [];
  for (let i = 0; i < lines.length; i++) {
    const [, name, encoded] = /^— ([^ ]*) ?(.*)$/.exec(lines[i]) ?? [];
    const data = encoded ? base64(encoded, false) : null;
    if (!data || data.length < 5 || !isNoteName(name) || i >= 100) throw noSignedNote();
    const hash = bigEndian(data.subarray(0, 4));
    const key = known.find((k) => k.name === name && k.hash === hash);
    if (!key || verified.some((s) => s.key === key)) continue;
    const signature = data.subarray(4);
    if (!await signed(key, signature, body)) {
      throw new Refusal("signature_invalid",
        `The signature under the name ${name} is not that key's signature of this checkpoint.`,
        `${name} 이름의 서명이 이 체크포인트에 대한 그 키의 서명이 아닙니다.`);
    }
    verified.push({ key, signature });
  }
  return { body, verified };
}

// signed verifies one signature. A witness also signs when it saw the checkpoint.
async function signed(key, signature, body) {
  if (key.type === typeLog) return ed25519(key.key, signature, encode(body));
  const seconds = bigEndian(signature.subarray(0, 8));
  return seconds < 1n << 63n && ed25519(key.key, signature.subarray(8), encode(`cosignature/v1\ntime ${seconds}\n${body}`));
}

const emptyRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

function parseCheckpoint(body) {
  const lines = body.split("\n");
  if (lines.length !== 4 || lines[3] !== "") throw checkpointMalformed("it needs three lines: origin, size and root", "출처, 크기, 루트의 세 줄이어야 합니다");
  const checkpoint = { origin: lines[0], size: size(lines[1]), root: hashOf(lines[2]) };
  if (!isName(checkpoint.origin)) {
    throw checkpointMalformed("the origin is a name without spaces and plus signs, as in example.org/log", "출처는 example.org/log처럼 공백과 더하기표가 없는 이름입니다");
  }
  if (checkpoint.size === null) throw checkpointMalformed("the size is a decimal number without leading zeros", "크기는 앞에 0이 없는 십진수입니다");
  if (!checkpoint.root) throw checkpointMalformed("the root is 32 bytes in base64", "루트는 base64로 적은 32바이트입니다");
  if (checkpoint.size === 0n && lines[2] !== emptyRoot) {
    throw checkpointMalformed(`an empty log has the root ${emptyRoot}`, `빈 로그의 루트는 ${emptyRoot}입니다`);
  }
  return checkpoint;
}

// openCheckpoint needs one signature of the log, by a key that was not retired
// at that size.
async function openCheckpoint(bytes, keys) {
  const { body, verified } = await openNote(bytes, [...keys.log, ...keys.witnesses]);
  const checkpoint = parseCheckpoint(body);
  if (checkpoint.origin !== keys.origin) {
    throw new Refusal("origin_wrong", `The checkpoint is of the log ${checkpoint.origin}; the log asked for is ${keys.origin}.`,
      `이 체크포인트는 ${checkpoint.origin} 로그의 것입니다. 요청한 로그는 ${keys.origin}입니다.`);
  }
  const byLog = verified.filter((s) => s.key.type === typeLog);
  if (byLog.length === 0) {
    throw new Refusal("checkpoint_unsigned", `No key of the log ${keys.origin} that is known here has signed this checkpoint.`,
      `알려진 ${keys.origin} 로그의 키 가운데 이 체크포인트에 서명한 것이 없습니다.`);
  }
  if (byLog.every((s) => checkpoint.size > s.key.upTo)) {
    throw new Refusal("log_key_retired", `The checkpoint of ${checkpoint.size} entries is signed only by a key that was retired before.`,
      `항목 ${checkpoint.size}개의 체크포인트에 이미 폐기된 키의 서명만 있습니다.`);
  }
  return { ...checkpoint, witnesses: cosignatures(verified) };
}

// cosignatures counts each witness once, by its latest cosignature.
function cosignatures(verified) {
  const latest = new Map();
  for (const s of verified) {
    if (s.key.type !== typeWitness) continue;
    const seconds = bigEndian(s.signature.subarray(0, 8));
    if (seconds > (latest.get(s.key.name) ?? -1n)) latest.set(s.key.name, seconds);
  }
  return [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, seconds]) => {
    const at = new Date(Number(seconds) * 1000);
    return `${name} (${isNaN(at) ? seconds : at.toISOString().replace(".000", "")})`;
  });
}

// ---- Receipts ------------------------------------------------------------

const receiptType = "c2sp.org/tlog-proof@v1";
const saltLength = 32;

function parseReceipt(bytes) {
  const file = toBinary(bytes);
  const end = file.indexOf("\n\n");
  const lines = file.slice(0, end < 0 ? file.length : end).split("\n");
  if (end < 0 || lines[0] !== receiptType || lines.length < 2) {
    throw receiptMalformed(`it begins with ${receiptType} and ends with a checkpoint after an empty line`,
      `${receiptType}(으)로 시작하고 빈 줄 다음의 체크포인트로 끝나야 합니다`);
  }
  if (!lines[1].startsWith("extra ")) {
    throw receiptMalformed('it has no line "extra" with salt and body; without them nobody can tell what the entry says',
      '솔트와 본문이 담긴 "extra" 줄이 없습니다. 그것 없이는 항목의 내용을 알 수 없습니다');
  }
  const opening = base64(lines[1].slice("extra ".length), true);
  if (!opening || opening.length <= saltLength) {
    throw receiptMalformed(`the line "extra" is not a salt of ${saltLength} bytes and a body in base64`,
      `"extra" 줄이 ${saltLength}바이트 솔트와 본문을 base64로 적은 것이 아닙니다`);
  }
  const index = lines.length > 2 && lines[2].startsWith("index ") ? size(lines[2].slice("index ".length)) : null;
  if (index === null) throw receiptMalformed('the line "index <number>" is missing', '"index <번호>" 줄이 없습니다');
  const proof = lines.slice(3).map(hashOf);
  if (proof.includes(null)) throw receiptMalformed("a line of the proof is not 32 bytes in base64", "증명의 한 줄이 base64로 적은 32바이트가 아닙니다");
  return { salt: opening.subarray(0, saltLength), body: opening.subarray(saltLength), index, proof, checkpoint: bytes.subarray(end + 2) };
}

// proveInclusion follows the proof from the leaf to the root (RFC 9162, section
// 2.1.3.2).
async function proveInclusion({ proof, index, salt, body }, checkpoint) {
  if (index >= checkpoint.size) {
    throw new Refusal("entry_beyond_checkpoint", `Entry ${index} is beyond a checkpoint of ${checkpoint.size} entries.`,
      `${index}번 항목은 항목 ${checkpoint.size}개의 체크포인트 밖에 있습니다.`);
  }
  const node = (left, right) => sha256([1], left, right);
  let hash = await sha256([0], await sha256([0], salt, body));
  let place = index, last = checkpoint.size - 1n, proven = true;
  for (const beside of proof) {
    if (last === 0n) proven = false;
    if (place % 2n === 1n || place === last) {
      hash = await node(beside, hash);
      while (place % 2n === 0n && place > 0n) [place, last] = [place / 2n, last / 2n];
    } else {
      hash = await node(hash, beside);
    }
    [place, last] = [place / 2n, last / 2n];
  }
  if (!proven || last !== 0n || !equal(hash, checkpoint.root)) {
    throw new Refusal("inclusion_not_proven",
      `The proof does not lead from this entry, as number ${index}, to the root of the checkpoint of ${checkpoint.size}.`,
      `증명이 이 항목(${index}번)에서 항목 ${checkpoint.size}개의 체크포인트 루트에 이르지 않습니다.`);
  }
}

// instant writes an RFC 3339 time in UTC; null if it is none.
function instant(string) {
  const m = /^(\d{4}-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d))(\.\d+)?(Z|[+-](\d\d):(\d\d))$/.exec(string);
  if (!m || m[4] > 23 || m[5] > 59 || m[6] > 59 || m[9] > 23 || m[10] > 59) return null;
  const day = new Date(`${m[1]}Z`);
  if (isNaN(day) || day.getUTCDate() !== Number(m[3])) return null; // 30 February
  const fraction = (m[7] ?? "").slice(0, 10).replace(/\.?0*$/, "");
  return new Date(m[1] + m[8]).toISOString().slice(0, -5) + fraction + "Z";
}

// openEntry reads what the leaf says.
function openEntry(body) {
  let facts;
  try {
    facts = JSON.parse(lenient.decode(body), (_, value) => {
      if (typeof value === "number" && !isFinite(value)) throw new SyntaxError("beyond the range of numbers");
      return value;
    });
  } catch {
    throw entryMalformed();
  }
  if (typeof facts !== "object" || facts === null || Array.isArray(facts)) throw entryMalformed();
  const string = (name) => (typeof facts[name] === "string" ? facts[name] : "");
  const entry = { id: string("id"), type: string("type"), subject: string("subject"), at: instant(string("at")), facts, words: lenient.decode(body) };
  if (!entry.at || !entry.id || !entry.type) throw entryMalformed();
  return entry;
}

// statements say what is proven, who vouches for it, and what is not proven.
function statements({ index, entry, checkpoint: c }) {
  return [
    text(`The log ${c.origin} holds, as entry ${index} of ${c.size} counted from 0, that ${entry.type} happened to ${entry.subject} at ${entry.at}. The exact words are: ${entry.words}`,
      `${c.origin} 로그의 항목 ${c.size}개 가운데 0부터 센 ${index}번에 ${entry.subject}에 관한 ${entry.type}이(가) ${entry.at}에 있었다고 적혀 있습니다. 정확한 내용: ${entry.words}`),
    text("The log signed this: if the entry is ever missing, changed or given another time, this receipt is the evidence.",
      "로그가 여기에 서명했습니다. 이 항목이 나중에 없어지거나 바뀌거나 시각이 달라지면 이 접수증이 그 증거입니다."),
    c.witnesses.length === 0
      ? text("It is unwitnessed: nobody outside has confirmed that everybody is shown the same log.",
        "증인이 없습니다. 모두에게 같은 로그가 보인다는 것을 외부에서 확인한 사람이 없습니다.")
      : text(`${c.witnesses.length} witness(es) saw the same log, and saw it only ever grow: ${c.witnesses.join(", ")}.`,
        `증인 ${c.witnesses.length}명이 같은 로그를 보았고, 로그가 늘어나기만 했음을 확인했습니다: ${c.witnesses.join(", ")}.`),
    text("It does not prove that what the entry says is true, or that anything was paid.",
      "항목의 내용이 사실이라는 것이나 돈이 지급되었다는 것까지 증명하지는 않습니다."),
  ];
}

// checks are the steps of a verification, in their order.
const checks = [
  text("The keys can be read", "키를 읽을 수 있습니다"),
  text("The receipt can be read", "접수증을 읽을 수 있습니다"),
  text("The log signed this checkpoint, and no signature by a key that you trust is wrong", "로그가 이 체크포인트에 서명했고, 신뢰하는 키의 서명 가운데 틀린 것이 없습니다"),
  text("The entry is in the log that was signed", "항목이 서명된 로그에 들어 있습니다"),
  text("The entry says what happened", "항목에 무슨 일이 있었는지 적혀 있습니다"),
];

// verify runs the checks one after the other. passed is how many held; refusal
// is why the next one did not.
async function verify(receiptBytes, keysText) {
  const out = { passed: 0 };
  const step = (value) => {
    out.passed++;
    return value;
  };
  try {
    out.keys = step(await parseKeys(keysText));
    const receipt = step(parseReceipt(receiptBytes));
    const checkpoint = step(await openCheckpoint(receipt.checkpoint, out.keys));
    step(await proveInclusion(receipt, checkpoint));
    out.proven = { index: receipt.index, checkpoint, entry: step(openEntry(receipt.body)) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    out.refusal = error;
  }
  return out;
}
