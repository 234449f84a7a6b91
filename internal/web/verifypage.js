
// ---- The page ------------------------------------------------------------

// What happened, in words. A type that is not here is shown as it is.
const types = {
  "claim.filed": text("A claim was filed", "청구가 작성되었습니다"),
  "claim.changed": text("The claim was changed", "청구가 변경되었습니다"),
  "claim.submitted": text("The claim was submitted", "청구가 제출되었습니다"),
  "claim.withdrawn": text("The claim was withdrawn", "청구가 철회되었습니다"),
  "claim.evidence_added": text("Evidence was added", "증빙이 추가되었습니다"),
  "claim.assigned": text("A reviewer took the claim", "담당자가 배정되었습니다"),
  "claim.put_back": text("The claim was put back", "배정이 해제되었습니다"),
  "claim.recused": text("A reviewer stepped back", "담당자가 회피하였습니다"),
  "claim.held": text("The claim was put on hold", "심사가 보류되었습니다"),
  "claim.released": text("The hold ended", "보류가 해제되었습니다"),
  "claim.information_requested": text("Information was requested", "자료가 요청되었습니다"),
  "claim.request_recalled": text("The request for information was recalled", "자료 요청이 취소되었습니다"),
  "claim.request_lapsed": text("The request for information lapsed", "자료 요청의 기한이 지났습니다"),
  "claim.answered": text("The request was answered", "요청에 답변하였습니다"),
  "claim.decided": text("A decision was made", "결정이 내려졌습니다"),
  "claim.decision_approved": text("The decision was approved", "결정이 승인되었습니다"),
  "claim.decision_returned": text("The decision was returned", "결정이 반려되었습니다"),
  "claim.amendment_proposed": text("An amendment was proposed", "정정이 제안되었습니다"),
  "claim.appealed": text("An appeal was filed", "이의가 신청되었습니다"),
  "claim.human_asked": text("A person was asked to decide", "담당자의 재처리가 요청되었습니다"),
  "claim.accepted": text("The decision was accepted", "결정이 수락되었습니다"),
  "claim.closed": text("The claim was closed", "청구가 종결되었습니다"),
  "claim.reevaluated": text("The estimate was made again", "추정이 다시 이루어졌습니다"),
  "claim.attempt_refused": text("An attempt of staff was refused", "담당자의 시도가 거절되었습니다"),
};

// Facts whose names say little to who does not know the log.
const labels = {
  incident: text("Incident", "장애"), state: text("State afterwards", "이후 상태"), by: text("By", "행위자"), n: text("Number of the event", "사건 번호"),
  verdict: text("Verdict", "판정"), reason: text("Reason", "사유"), decision: text("Decision", "결정 번호"), estimate: text("Estimate", "추정 번호"),
  outcome: text("Outcome", "추정 결과"), late: text("Late", "기한 후 제출"), stands: text("Stands", "확정"), scheme: text("Scheme", "보상 기준"),
};

// Facts that are amounts, in minor units.
const amounts = {
  claimed: text("Claimed", "청구액"), estimated: text("Estimated", "추정액"), assessed: text("Assessed", "산정액"), awarded: text("Awarded", "결정액"),
  amount: text("Amount by the scheme", "보상 기준에 따른 금액"), amount_before: text("Amount before", "이전 금액"),
};

const at = (id) => document.getElementById(id);

function element(name, children, attributes) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

// both writes a text in both languages; the style shows the one chosen.
const both = (t) => ["en", "ko"].map((tag) => element("span", [t[tag]], { lang: tag }));

const say = (place, t) => place.replaceChildren(...(t ? both(t) : []));

// facts lists what an entry says, a name and a value each; what is inside data
// is not set apart.
function facts(entry) {
  const rows = [
    [both(text("What", "내용")), [...both(types[entry.type] ?? text(entry.type, entry.type)), " ", element("code", [entry.type])]],
    [both(text("When", "일시")), both(text(local(entry.at, "en-GB"), local(entry.at, "ko-KR"))).concat(" ", element("code", [entry.at]))],
    [both(text("About", "대상")), [element("code", [entry.subject])]],
  ];
  const told = ["id", "type", "at", "subject"];
  const add = (name, value) => {
    if (amounts[name] && Number.isSafeInteger(value)) {
      rows.push([both(amounts[name]), [element("strong", [value.toLocaleString("en")]), " ", ...both(text("minor units (won, if in KRW)", "최소 화폐 단위(KRW이면 원)"))]]);
    } else {
      const shown = typeof value === "string" ? value : JSON.stringify(value);
      rows.push([labels[name] ? both(labels[name]) : [element("code", [name])], [element("code", [shown])]]);
    }
  };
  for (const [name, value] of Object.entries(entry.facts)) {
    if (name === "data" && value && typeof value === "object" && !Array.isArray(value)) Object.entries(value).forEach(([k, v]) => add(k, v));
    else if (!told.includes(name)) add(name, value);
  }
  return element("dl", rows.map(([name, value]) => element("div", [element("dt", name), element("dd", value)])));
}

const local = (instant, locale) => new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "long" }).format(new Date(instant));

// trust says whose word the result rests on.
function trust(keys) {
  const name = (k) => `${k.name}+${k.hash.toString(16).padStart(8, "0")}`;
  const used = [...keys.log, ...keys.witnesses].map(name).join(", ");
  return element("p", both(text(
    `All of this holds if the keys are the right ones: ${used}. ${sources[keysFrom].en}`,
    `이 결과는 키가 올바를 때에만 맞습니다: ${used}. ${sources[keysFrom].ko}`)), { class: "trust" });
}

const sources = {
  given: text("You gave them yourself.", "직접 입력하신 키입니다."),
  server: text("They come from this server: compare them with those of somebody else.", "이 서버에서 받은 키입니다. 다른 사람이 가진 키와 비교하십시오."),
  link: text("They came with the link that you followed: compare them with those of somebody else.", "따라오신 링크에 들어 있던 키입니다. 다른 사람이 가진 키와 비교하십시오."),
};

function showResult({ passed, keys, proven, refusal }) {
  const mark = (i) => (i < passed ? text("yes", "예") : i === passed ? text("NO", "아니요") : text("not looked at", "확인 안 함"));
  const steps = element("ol", checks.map((check, i) =>
    element("li", [...both(check), " — ", element("strong", both(mark(i)))], { class: i < passed ? "good" : i === passed ? "bad" : "open" })), { class: "checks" });
  const shown = [];
  if (proven) {
    shown.push(element("h2", both(text("Proven", "증명되었습니다"))));
    shown.push(facts(proven.entry), element("h3", both(text("What is proven, and what is not", "증명된 것과 증명되지 않은 것"))));
    shown.push(element("ul", statements(proven).map((s) => element("li", both(s))), { class: "statements" }), trust(keys), steps);
  } else {
    shown.push(element("h2", both(text("Not proven", "증명되지 않았습니다"))));
    shown.push(element("p", [element("span", both(refusal.text), { class: "reason" }), " ", element("code", [refusal.code])]), steps);
    if (keys) shown.push(trust(keys));
  }
  result.replaceChildren(...shown);
  result.dataset.state = proven ? "proven" : "refused";
  result.dataset.code = refusal ? refusal.code : "";
}

function showTrouble(t) {
  result.replaceChildren(element("h2", both(text("Nothing was verified", "확인하지 못했습니다"))), element("p", both(t)));
  result.dataset.state = "trouble";
}

const result = at("result");
let receiptBytes = null; // of a file or a link, to the byte; null while the text counts
let keysFrom = "given";

// able reports whether this browser can do the arithmetic, and says so if not.
async function able() {
  try {
    await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    return true;
  } catch {
    showTrouble(text("This browser cannot verify Ed25519 signatures here. Use a newer one, open the page by https or from your disk, or use the command redress verify receipt.",
      "이 브라우저로는 Ed25519 서명을 확인할 수 없습니다. 최신 브라우저를 쓰거나, https로 또는 저장한 파일로 이 페이지를 여시거나, redress verify receipt 명령을 쓰십시오."));
    return false;
  }
}

async function run() {
  const pasted = at("receipt").value.trim();
  if (!receiptBytes && pasted === "") {
    showTrouble(text("Choose a receipt, or paste its text.", "접수증 파일을 고르거나 내용을 붙여 넣으십시오."));
  } else if (await able()) {
    showResult(await verify(receiptBytes ?? encode(pasted + "\n"), at("keys").value));
  }
  result.focus();
}

function takeReceipt(bytes) {
  receiptBytes = bytes;
  at("receipt").value = lenient.decode(bytes);
}

function takeKeys(keys, from) {
  at("keys").value = keys;
  keysFrom = from;
  say(at("source"), keys === "" ? null : sources[from]);
}

const read = async (input) => new Uint8Array(await input.files[0].arrayBuffer());

// fetchKeys asks the server that the page came from, and nobody else.
async function fetchKeys() {
  try {
    const answer = await fetch("/log/keys", { credentials: "omit", referrerPolicy: "no-referrer" });
    if (!answer.ok) throw new Error(answer.status);
    takeKeys(await answer.text(), "server");
  } catch {
    say(at("source"), text("The server's keys cannot be fetched; paste those that you trust.", "서버의 키를 받을 수 없습니다. 신뢰하는 키를 붙여 넣으십시오."));
  }
}

function chooseLanguage(tag) {
  document.documentElement.lang = tag;
  document.title = tag === "ko" ? "접수증 확인" : "Verify a receipt";
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === tag));
}

// start takes what stands behind the # of the address: receipt and keys in
// base64url, and the language.
async function start() {
  const given = new URLSearchParams(location.hash.slice(1));
  const bytes = (name) => base64(given.get(name).replaceAll("-", "+").replaceAll("_", "/").padEnd(Math.ceil(given.get(name).length / 4) * 4, "="), false);
  chooseLanguage(given.get("lang") ?? (navigator.language.startsWith("ko") ? "ko" : "en"));
  at("fetch").hidden = !location.protocol.startsWith("http");
  if (given.has("keys")) takeKeys(lenient.decode(bytes("keys") ?? []), "link");
  else if (!at("fetch").hidden) await fetchKeys();
  if (given.has("receipt")) {
    takeReceipt(bytes("receipt") ?? new Uint8Array());
    await run();
  }
}

for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => chooseLanguage(button.dataset.language));
at("receipt-file").addEventListener("change", async (e) => e.target.files.length > 0 && takeReceipt(await read(e.target)));
at("receipt").addEventListener("input", () => { receiptBytes = null; });
at("keys-file").addEventListener("change", async (e) => e.target.files.length > 0 && takeKeys(lenient.decode(await read(e.target)), "given"));
at("keys").addEventListener("input", () => takeKeys(at("keys").value, "given"));
at("fetch").addEventListener("click", fetchKeys);
at("form").addEventListener("submit", (e) => {
  e.preventDefault();
  run();
});
addEventListener("hashchange", start);
start();
