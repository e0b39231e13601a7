// One plain page over linekeeper.js: what a customer sees of step-up, and nothing that Linekeeper relies on.
import {
  Linekeeper, Problem, createPasskey, deviceKey, knownDeviceKey, localCustomers, receiveCode, usePasskey,
} from './linekeeper.js';

const $ = (id) => document.getElementById(id);

const FACTORS = {
  passkey: ['Passkey', 'proves that it is you, on this site only'],
  totp: ['Authenticator app', 'proves that you hold the phone it runs on'],
  device_key: ['Trusted device', 'speaks for itself with every request; never enough alone'],
  recovery_code: ['Recovery codes', 'each works once, when all else is lost'],
  push_otp: ['Code in your app'],
  sms_otp: ['Code by SMS'],
  email_otp: ['Code by e-mail'],
};
const WHY_NOT = {
  not_enrolled: 'you have none',
  too_new: 'yours is too new to prove anything yet',
  phone_lost: 'you do not have your phone',
  sim_changed: 'the SIM changed lately',
  moved_by_the_change: 'this change moves it',
  only_for_a_lost_phone: 'only for a lost phone',
  no_help: 'more than this is needed',
  silent: 'it speaks for itself',
};
const ENDED = ['completed', 'lapsed', 'expired', 'cancelled', 'refused', 'failed'];

let customer; // who is signed in
let linekeeper; // the API, for her
let change; // the change on screen
let waiting; // aborts what waits for an answer

// ---------------------------------------------------------------- signing in

for (const one of await localCustomers()) {
  $('customers').append(button(`Sign in as ${one.name}`, () => signIn(one), { name: one.name }));
}

async function signIn(one) {
  customer = one;
  const { token, device, account_id: account } = one;
  linekeeper = new Linekeeper({ base: location.origin, token, device, key: await knownDeviceKey(account) });
  for (const choice of $('customers').children) choice.setAttribute('aria-pressed', choice.dataset.name === one.name);
  show(null);
  $('inbox').replaceChildren();
  $('swap').elements.iccid.value = someSim();
  await showAccount();
  $('signed-in').hidden = false;
  await showMessages();
}

// ---------------------------------------------------------------- the account

async function showAccount() {
  const account = await linekeeper.account();
  const on = (protections) => Object.keys(protections).map((name) => name.replaceAll('_', ' ')).join(', ') || 'none';
  const rows = account.lines.flatMap((line) => [
    ['Number', line.number], ['SIM', line.sim], ['Protections', on({ ...account.protections, ...line.protections })],
  ]);
  rows.push(['Told by', account.contacts.map((contact) => contact.address).join(', ')]);
  $('line').replaceChildren(...rows.flatMap(([term, text]) => [element('dt', term), element('dd', text)]));

  const items = account.factors.map((known) => {
    const [name, proves] = FACTORS[known.factor];
    const item = element('li', element('strong', name), element('span', proves));
    item.dataset.factor = known.factor;
    item.dataset.ripe = !known.ripe_at;
    const since = known.ripe_at ? `counts from ${date(known.ripe_at)}` : `counts, since ${date(known.added_at)}`;
    const left = known.left === undefined ? '' : `, ${known.left} left`;
    item.append(element('small', since + left));
    return item;
  });
  $('factors').replaceChildren(...(items.length ? items : [element('li', 'Nothing yet but the codes that we send you.')]));
}

for (const add of $('add').children) {
  add.onclick = () => attempt(async () => show(await linekeeper.ask({ kind: 'factor_add', factor: add.dataset.add })));
}

$('swap').onsubmit = (event) => {
  event.preventDefault();
  const { iccid, lost } = event.target.elements;
  const wish = { kind: 'sim_swap', line_id: customer.line_id, sim: { iccid: iccid.value }, phone_lost: lost.checked };
  attempt(async () => show(await linekeeper.ask(wish)));
};

// ---------------------------------------------------------------- the change on screen

function show(now) {
  const another = now?.change_id !== change?.change_id;
  change = now;
  $('change').hidden = !now;
  if (another) task();
  if (!now) return;
  $('title').textContent = now.kind === 'sim_swap' ? 'Move your number to another SIM' : 'Add what proves you';
  $('status').textContent = now.status.replaceAll('_', ' ');
  $('change').dataset.status = now.status;
  $('message').textContent = now.message;
  $('stop').hidden = ENDED.includes(now.status);

  const choices = now.factors.map(({ factor }) => {
    return button(FACTORS[factor][0], () => challenge(factor, false), { factor });
  });
  if (now.set_up) choices.push(button('Set it up', () => challenge(now.set_up, true), { setUp: now.set_up }));
  // Only when they differ: a button that is replaced while it is pressed is not pressed.
  const names = (buttons) => [...buttons].map((one) => one.textContent).join();
  if (another || names(choices) !== names($('choices').children)) $('choices').replaceChildren(...choices);

  const reasons = (now.not_offered ?? []).map(({ factor, why }) => {
    const item = element('li', `${FACTORS[factor][0]}: ${WHY_NOT[why]}`);
    Object.assign(item.dataset, { factor, why });
    return item;
  });
  $('not-offered').hidden = !reasons.length;
  $('not-offered').querySelector('ul').replaceChildren(...reasons);
}

$('stop').onclick = () => attempt(async () => { task(); show(await linekeeper.cancel(change.change_id)); });

async function challenge(factor, enrol) {
  task();
  // A key that is made here and now; its proof of the answer sets it up.
  if (enrol && factor === 'device_key') linekeeper.key = await deviceKey(customer.account_id);
  const { change_id: id } = change;
  const opened = await linekeeper.challenge(id, factor, enrol);
  const answer = async (what) => {
    show(await linekeeper.answer(id, opened.challenge_id, what));
    task();
    await showAccount();
  };
  if (opened.passkey) return answer(await (enrol ? createPasskey : usePasskey)(opened.passkey));
  if (enrol && factor === 'device_key') return answer({});

  const note = element('p', noteOn(opened, factor));
  if (opened.totp) note.append(element('code', opened.totp.secret));
  if (opened.recovery_codes) note.append(element('pre', opened.recovery_codes.join('\n')));
  const input = Object.assign(document.createElement('input'), {
    name: 'code', required: true, autocomplete: opened.sent_to ? 'one-time-code' : 'off',
    inputMode: factor === 'recovery_code' ? 'text' : 'numeric',
  });
  const form = element('form', element('label', 'Code ', input), element('button', 'Confirm'));
  form.onsubmit = (event) => { event.preventDefault(); attempt(() => answer({ code: input.value.trim() })); };
  task(note, form);
  input.focus();
  if (opened.sent_to) fill(input);
}

// The code is filled in, and she confirms: what it is for stands beside it.
async function fill(input) {
  waiting = new AbortController();
  const code = await receiveCode(waiting.signal);
  if (code && !input.value) input.value = code;
}

function noteOn(opened, factor) {
  if (opened.sent_to) return `We sent a code to ${opened.sent_to}. Nobody from us will ever ask you for it.`;
  if (opened.totp) return 'Enter this secret in your authenticator app, then the code that it shows. It is not shown again: ';
  if (opened.recovery_codes) return 'Write these down, then enter one of them to show that you did. They are not shown again.';
  return factor === 'totp' ? 'The code that your authenticator app shows.' : 'One of your recovery codes.';
}

function task(...parts) {
  waiting?.abort();
  waiting = null;
  $('task').replaceChildren(...parts);
}

// ---------------------------------------------------------------- what changes by itself

setInterval(async () => {
  if (!linekeeper || document.hidden) return;
  try {
    await showMessages();
    const { change_id: id, status } = change ?? {};
    if (!id || ENDED.includes(status)) return;
    const now = await linekeeper.change(id);
    // She may have moved on meanwhile.
    if (change?.change_id !== id || now.status === status) return;
    show(now);
    await showAccount();
  } catch (error) {
    complain(error);
  }
}, 1000);

async function showMessages() {
  const { name } = customer;
  const messages = (await (await fetch('/_local/inbox.json')).json()).filter((message) => message.to === name);
  if (name !== customer.name) return;
  // Each channel is in order, and they are not among each other: what is new is what was not there before.
  const known = new Set([...$('inbox').children].map((item) => item.dataset.key));
  const seen = {};
  for (const { channel, subject, text } of messages) {
    seen[channel] = (seen[channel] ?? 0) + 1;
    const key = `${channel} ${seen[channel]}`;
    if (known.has(key)) continue;
    const item = element('li', element('small', subject ? `${channel}: ${subject}` : channel), element('p', ...linked(text)));
    item.dataset.key = key;
    item.dataset.channel = channel;
    $('inbox').prepend(item);
  }
}

// The link of a notice, as a mail program shows it.
function linked(text) {
  return text.split(/(https?:\/\/\S+)/).map((part, n) => {
    if (n % 2 === 0) return part;
    const link = element('a', `${part.slice(0, 44)}…`);
    link.href = part;
    return link;
  });
}

// ---------------------------------------------------------------- small things

async function attempt(act) {
  // One thing at a time: a challenge that is opened while another is answered takes its place.
  if (document.body.hasAttribute('aria-busy')) return;
  $('problem').hidden = true;
  document.body.setAttribute('aria-busy', 'true');
  try { await act(); } catch (error) { complain(error); }
  document.body.removeAttribute('aria-busy');
}

function complain(error) {
  const wait = error.retryAfter ? ` Wait ${error.retryAfter} s.` : '';
  $('problem').textContent = error instanceof Problem ? `${error.title}: ${error.detail}${wait}` : String(error);
  $('problem').dataset.name = error.name;
  $('problem').hidden = false;
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function button(text, act, data) {
  const made = element('button', text);
  made.type = 'button';
  made.onclick = () => attempt(act);
  Object.assign(made.dataset, data);
  return made;
}

function date(text) {
  return new Date(text).toLocaleDateString('en', { day: 'numeric', month: 'long', year: 'numeric' });
}

// A SIM's number that passes its check (Luhn).
function someSim() {
  const body = `890141${String(Math.floor(Math.random() * 1e12)).padStart(12, '0')}`;
  const sum = [...body].reverse().reduce((all, digit, place) => {
    const doubled = place % 2 ? Number(digit) : Number(digit) * 2;
    return all + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return body + ((10 - (sum % 10)) % 10);
}
