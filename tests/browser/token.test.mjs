// The page of a server that lets nobody in without a token.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { stage } from "./stage.mjs";

const SECRET = "a secret of thirty-two bytes, or more";

const { open } = stage({ FANLIGHT_TOKEN_HMAC_SECRET: SECRET });

/** A JSON Web Token, HS256: RFC 7519. */
function token(claims) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

test("it says that a token is asked for, and takes one from its address", { timeout: 60_000 }, async () => {
  const tab = await open();
  assert.match(await tab.state("ended"), /^This server asks for a token: add #token=/);
  assert.deepEqual(await tab.barriers(), []);

  const known = await open({ fragment: `#token=${token({ sub: "ada" })}` });
  await known.state("connected");
  await known.say("I have one");
  await known.texts("I have one");

  await known.page.focus("#skip");
  await known.page.keyboard.press("Enter");
  assert.equal(await known.page.evaluate(() => document.activeElement.id), "message");
  assert.match(known.page.url(), /#token=/);

  // Its chat is opened by the token itself.
  const inside = await open({ fragment: `#token=${token({ sub: "grace", channels: ["chat"] })}` });
  await inside.state("connected");
  await inside.say("So have I");
  await known.texts("So have I");
  assert.equal(await inside.page.textContent("#hint"), "");

  const expired = await open({ fragment: `#token=${token({ sub: "ada", exp: 1 })}` });
  assert.equal(await expired.state("ended"), "The server ended the connection: token expired.");
});
