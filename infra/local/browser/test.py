"""The sample client in a real browser: a headless Chromium with a virtual authenticator, on the deployed stack.

    python test.py --chromium PATH --base http://localhost:PORT --aws URL --table STATE --name NAME [--picture FILE]

It speaks Chrome's DevTools protocol over a pair of pipes (no port, no WebSocket client). Every claim is a line,
`ok ...` or `not ok ...`; the script fails when one does not hold.

Three things are not what they would be on a customer's phone, and all three are done here, not in the product:

* The authenticator is Chromium's own virtual one, which always says that the user was there and was verified.
* DevTools cannot deliver an SMS. `navigator.credentials.get({otp})` is replaced in the page by a promise that this
  script keeps with a code from the local inbox. Everything around it (the options, the abort, what the page does
  with the code) is the client's.
* A new passkey proves nothing for seven days, and the deployed stack's clock is the real one. That a young one is
  refused is tested as it is. Then `added_at` and `ripe_at` are set back by ten days in the local state table, with
  the rights of the local cloud's root: no function of Linekeeper could do it, and what is tested from there on is the
  ceremony, not the waiting (which the core's own tests cover).
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import botocore.session

PATIENCE = 30
DAY = 24 * 3600

# The page's side of a simulated SMS: the script calls `__deliver`.
OTP = """
globalThis.OTPCredential ??= class OTPCredential {};
globalThis.__otp = { asked: 0, aborted: 0 };
{
  const real = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = (options) => {
    if (!options?.otp) return real(options);
    if (options.otp.transport?.join() !== 'sms') return Promise.reject(new TypeError('no such transport'));
    __otp.asked += 1;
    return new Promise((resolve, reject) => {
      globalThis.__deliver = (code) => resolve({ type: 'otp', code });
      options.signal?.addEventListener('abort', () => { __otp.aborted += 1; reject(options.signal.reason); });
    });
  };
}
"""


class Browser:
    """One Chromium with one page, driven over its DevTools pipes."""

    def __init__(self, chromium, profile):
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def pipes():
            # Chromium reads commands on 3 and writes on 4. Out of the way first: the pipes may be 3 and 4 themselves.
            commands, answers = os.dup(to_browser), os.dup(from_browser)
            spare = [os.dup(commands), os.dup(answers)]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        flags = """--headless=new --remote-debugging-pipe --no-sandbox --disable-gpu --disable-quic --no-first-run
            --no-default-browser-check --disable-background-networking --disable-component-update --disable-sync
            --disable-dev-shm-usage --no-proxy-server --lang=en-US --window-size=1100,1300""".split()
        self._process = subprocess.Popen(
            [chromium, *flags, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(3, 4), preexec_fn=pipes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=False,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._answers, self._arrived, self._last, self._session = {}, threading.Condition(), 0, None
        self.complaints, self.requests = [], []
        threading.Thread(target=self._listen, daemon=True).start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network", "WebAuthn"]:
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        with self._arrived:
            self._last += 1
            number = self._last
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data):]
        with self._arrived:
            if not self._arrived.wait_for(lambda: number in self._answers or None in self._answers, PATIENCE):
                raise TimeoutError(f"{method}: no answer")
            if number not in self._answers:
                raise RuntimeError("the browser has ended")
            answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _listen(self):
        buffer = b""
        while chunk := os.read(self._read, 1 << 16):
            *messages, buffer = (buffer + chunk).split(b"\0")
            for message in map(json.loads, messages):
                self._take(message)
        with self._arrived:
            self._answers[None] = True
            self._arrived.notify_all()

    def _take(self, message):
        if "id" in message:
            with self._arrived:
                self._answers[message["id"]] = message
                self._arrived.notify_all()
        elif message["method"] == "Log.entryAdded":
            entry = message["params"]["entry"]
            # A refusal of the API's is told to the customer, and Chromium logs it besides.
            if entry["level"] == "error" and entry["source"] != "network":
                self.complaints.append(entry["text"])
        elif message["method"] == "Network.requestWillBeSent":
            self.requests.append((message["params"].get("type"), message["params"]["request"]))
        elif message["method"] == "Runtime.exceptionThrown":
            self.complaints.append(message["params"]["exceptionDetails"]["text"])

    def run(self, expression):
        """The value of an expression in the page, awaited."""
        got = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in got:
            details = got["exceptionDetails"]
            raise RuntimeError(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return got["result"].get("value")

    def wait(self, what, expression):
        """Waits until an expression is true in the page, and gives its value."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                if value := self.run(expression):
                    return value
            except RuntimeError as error:
                # Between two pages there is nothing to look at.
                if "context" not in str(error) and "null" not in str(error):
                    raise
            time.sleep(0.05)
        problem = self.run("document.getElementById('problem')?.textContent")
        raise TimeoutError(f"{what}: not within {PATIENCE} s. The page says: {problem!r}")

    def click(self, selector):
        self.wait(f"{selector} to click", f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
                  " if (!e || e.closest('[hidden]') || document.body.hasAttribute('aria-busy')) return false;"
                  " e.click(); return true; })()")

    def type(self, selector, text):
        self.wait(f"{selector} to type in", f"!!document.querySelector({json.dumps(selector)})")
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def close(self):
        try:
            self._session = None
            self.call("Browser.close")
            self._process.wait(5)
        except (OSError, RuntimeError, TimeoutError, subprocess.TimeoutExpired):
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


class Story:
    """What the customer does, and what is claimed of it."""

    def __init__(self, options, browser):
        self.options, self.browser, self.broken = options, browser, 0
        self.read = {}
        client = botocore.session.Session().create_client
        self.state = client("dynamodb", endpoint_url=options.aws, region_name="us-east-1",
                            aws_access_key_id="test", aws_secret_access_key="test")

    def claim(self, words, held):
        self.broken += not held
        print(f"{'ok' if held else 'not ok'} {words}", flush=True)

    def inbox(self):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{self.options.base}/_local/inbox.json") as got:
            return [message for message in json.load(got) if message["to"] == self.options.name]

    def message(self, channel, pattern):
        """The next message of a channel that was not read yet and has the pattern; the match."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            of_channel = [message for message in self.inbox() if message["channel"] == channel]
            for n, message in enumerate(of_channel):
                if n >= self.read.get(channel, 0) and (found := re.search(pattern, message["text"])):
                    self.read[channel] = n + 1
                    return found
            time.sleep(0.1)
        raise TimeoutError(f"no {channel} message with {pattern}")

    def code(self, channel):
        """A code, from the last line that binds it to the host: without a port, which is how browsers read it."""
        return self.message(channel, r"\n@localhost #(\d{6})\s*$").group(1)

    def status(self, wanted):
        self.browser.wait(f"status {wanted}", f"document.getElementById('change').dataset.status === {json.dumps(wanted)}")

    def factors(self):
        return self.browser.run("Object.fromEntries([...document.querySelectorAll('#factors li[data-factor]')]"
                                ".map((one) => [one.dataset.factor, one.dataset.ripe === 'true']))")

    def problem(self):
        return self.browser.wait("a problem", "!document.getElementById('problem').hidden"
                                 " && document.getElementById('problem').dataset.name")

    # ------------------------------------------------------------ the acts

    def sign_in(self):
        page = self.browser
        page.call("Page.addScriptToEvaluateOnNewDocument", source=OTP)
        page.call("WebAuthn.addVirtualAuthenticator", options={
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        })
        page.call("Page.navigate", url=self.options.base + "/")
        page.click(f"#customers [data-name='{self.options.name}']")
        page.wait("the account", "!document.getElementById('signed-in').hidden")
        shown = page.run("document.getElementById('line').textContent")
        self.claim("she signs in and sees her line, its end only", "•" in shown or "…" in shown or "*" in shown)

    def add(self, factor):
        """Adds a factor; what she is asked for besides is a code in her app."""
        page = self.browser
        page.click(f"#add [data-add={factor}]")
        page.wait("the change", "!document.getElementById('change').hidden"
                  " && document.getElementById('change').dataset.status === 'step_up_required'")
        page.click("#choices [data-factor=push_otp]")
        page.type("#task input[name=code]", self.code("push"))
        page.click("#task form button")
        page.click(f"#choices [data-set-up={factor}]")
        page.wait(f"{factor} among the factors", f"!!document.querySelector('#factors [data-factor={factor}]')")

    def device_key(self):
        page = self.browser
        self.add("device_key")
        self.claim("this device's key is set up, with a code in her app", self.factors().get("device_key") is False)
        exported = page.run("""(async () => {
            const { knownDeviceKey, localCustomers } = await import('/linekeeper.js');
            const [customer] = (await localCustomers()).filter((one) => one.name === %s);
            const pair = await knownDeviceKey(customer.account_id);
            return crypto.subtle.exportKey('jwk', pair.privateKey).then(() => 'exported', (error) => error.name);
        })()""" % json.dumps(self.options.name))
        self.claim("the key is kept in IndexedDB, and not even the page can export it", exported == "InvalidAccessError")

    def passkey(self):
        self.add("passkey")
        self.claim("a passkey is registered, with a code in her app", self.factors().get("passkey") is False)

    def ask_for_sim(self):
        self.browser.click("#swap button")
        self.status("step_up_required")

    def too_new(self):
        page = self.browser
        self.ask_for_sim()
        why = page.run("document.querySelector('#not-offered [data-factor=passkey]')?.dataset.why")
        self.claim("a young passkey is not offered for a SIM swap: too_new", why == "too_new")
        refused = page.run("""(async () => {
            const { Linekeeper, knownDeviceKey, localCustomers } = await import('/linekeeper.js');
            const [customer] = (await localCustomers()).filter((one) => one.name === %s);
            const { token, device, account_id: account } = customer;
            const api = new Linekeeper({ base: location.origin, token, device, key: await knownDeviceKey(account) });
            const open = (await api.changes()).changes.find((one) => one.status === 'step_up_required');
            return api.challenge(open.change_id, 'passkey').then(() => 'offered', (problem) => problem.name);
        })()""" % json.dumps(self.options.name))
        self.claim("who asks for it all the same gets factor-not-offered", refused == "factor-not-offered")
        self.stop()

    def stop(self):
        self.browser.click("#stop")
        self.status("cancelled")

    def ten_days_pass(self):
        """For this account's factors only: see the top of this file."""
        account = self.browser.run("fetch('/_local/customers.json').then((got) => got.json()).then((all) =>"
                                   f" all.find((one) => one.name === {json.dumps(self.options.name)}).account_id)")
        key = {"pk": {"S": f"v1#{account}"}, "sk": {"S": "ACCOUNT"}}
        item = self.state.get_item(TableName=self.options.table, Key=key, ConsistentRead=True)["Item"]
        for n, factor in enumerate(item["body"]["M"]["factors"]["L"]):
            earlier = {f":{name}": {"N": str(int(factor["M"][name]["N"]) - 10 * DAY)} for name in ["added_at", "ripe_at"]}
            path = f"body.factors[{n}]"
            self.state.update_item(
                TableName=self.options.table, Key=key, ExpressionAttributeValues=earlier,
                UpdateExpression=f"SET {path}.added_at = :added_at, {path}.ripe_at = :ripe_at",
            )
        self.browser.call("Page.navigate", url=self.options.base + "/")
        self.browser.click(f"#customers [data-name='{self.options.name}']")
        self.browser.wait("ripe factors", "[...document.querySelectorAll('#factors li[data-factor]')].length > 1"
                          " && [...document.querySelectorAll('#factors li[data-factor]')].every((one) => one.dataset.ripe === 'true')")

    def swap_by_passkey(self):
        page = self.browser
        self.ask_for_sim()
        first = page.run("document.querySelector('#choices [data-factor]')?.dataset.factor")
        self.claim("ten days later the passkey is the first that is offered", first == "passkey")
        page.click("#choices [data-factor=passkey]")
        self.status("authorized")
        self.claim("a SIM swap is verified by the passkey, and authorized", True)
        self.stop()

    def swap_by_code(self):
        page = self.browser
        self.ask_for_sim()
        page.click("#choices [data-factor=push_otp]")
        input_ = "document.querySelector('#task input[name=code]')"
        page.wait("a place for the code", f"!!{input_}")
        self.claim("the input says what it is for", page.run(f"{input_}.autocomplete") == "one-time-code")
        self.autofill("push")
        page.click("#task form button")
        self.status("authorized")
        self.claim("a second one is verified by a code that fills itself in", True)
        self.stop()

    def recovery_codes_by_sms(self):
        page = self.browser
        page.click("#add [data-add=recovery_code]")
        page.click("#choices [data-factor=sms_otp]")
        self.autofill("SMS")
        page.click("#task form button")
        page.click("#choices [data-set-up=recovery_code]")
        codes = page.wait("recovery codes", "document.querySelector('#task pre')?.textContent").split()
        self.claim("ten recovery codes are shown, confirmed by a code from an SMS that ends in `@localhost #...`", len(codes) == 10)
        page.type("#task input[name=code]", codes[3])
        page.click("#task form button")
        page.wait("the codes", "!!document.querySelector('#factors [data-factor=recovery_code]')")
        self.claim("and one of them, typed, shows that they were kept", True)

    def autofill(self, channel):
        page = self.browser
        page.wait("WebOTP", "__otp.asked > __otp.aborted && !!globalThis.__deliver")
        page.run(f"__deliver({json.dumps(self.code(channel))}), true")
        page.wait("the code", "document.querySelector('#task input[name=code]').value.length === 6")

    def not_me_links(self):
        mails = [message["text"] for message in self.inbox() if message["channel"] == "e-mail"]
        return [token for text in mails for token in re.findall(r"/not-me#(\S+)", text)]

    def not_me(self):
        page = self.browser
        told = len(self.not_me_links())
        self.ask_for_sim()
        until = time.monotonic() + PATIENCE
        while len(links := self.not_me_links()) == told and time.monotonic() < until:
            time.sleep(0.1)
        page.call("Page.navigate", url=f"{self.options.base}/not-me#{links[-1]}")
        said = page.wait("the page", "!document.getElementById('title').textContent.includes('Stopping')"
                         " && document.getElementById('title').textContent")
        self.claim("the link of a notice stops a change in one tap, without signing in", said == "It is stopped")
        self.claim("and its token does not stay in the address", page.run("location.hash") == "")

    def proofs(self):
        """What was sent since the device's key was set up."""
        calls = [request for _, request in self.browser.requests if "/v1/" in request["url"] and "/not-me" not in request["url"]]
        proofs = [{name.lower(): value for name, value in call["headers"].items()}.get("dpop") for call in calls]
        first = next((n for n, proof in enumerate(proofs) if proof), len(proofs))
        self.claim(f"from then on each of {len(proofs) - first} requests carried a proof of its own",
                   all(proofs[first:]) and len(set(proofs[first:])) == len(proofs) - first > 20)
        preflights = [kind for kind, _ in self.browser.requests if kind == "Preflight"]
        self.claim("and none of them needed a preflight", not preflights)

    def nothing_blocked(self):
        for complaint in self.browser.complaints:
            print(f"   {complaint}")
        self.claim("nothing was blocked by the content security policy, and no script failed", not self.browser.complaints)

    def picture(self):
        if self.options.picture:
            import base64
            shot = self.browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
            with open(self.options.picture, "wb") as file:
                file.write(base64.b64decode(shot["data"]))


def main():
    parser = argparse.ArgumentParser()
    for name in ["chromium", "base", "aws", "table", "name"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--picture", help="keep a picture of the page after the passkey's swap")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="linekeeper-browser-", ignore_cleanup_errors=True) as profile:
        browser = Browser(options.chromium, profile)
        try:
            story = Story(options, browser)
            for act in [story.sign_in, story.device_key, story.passkey, story.too_new, story.ten_days_pass,
                        story.swap_by_passkey, story.picture, story.recovery_codes_by_sms, story.swap_by_code,
                        story.not_me, story.proofs, story.nothing_blocked]:
                act()
        except Exception as error:
            story.claim(f"{act.__name__}: {error}", False)
        finally:
            browser.close()
    sys.exit(story.broken > 0)


main()
