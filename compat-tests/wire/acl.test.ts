/** ACL lists as clients send them, identities as servers see them, and what a reader may see of an ACL. */

import { test } from "vitest";
import { frame, int, record } from "./bytes.ts";
import { pairOfServers } from "./pair.ts";
import {
  type Acl,
  aclOf,
  auth,
  create,
  exists,
  getAcl,
  getData,
  multi,
  op,
  openAcl,
  perm,
  refusedAuths,
  request,
  sasl,
  setAcl,
  setData,
  whoAmI,
} from "./requests.ts";
import { superUser } from "../reference/server.ts";

const pair = pairOfServers({ sortAcl: true });

const world = aclOf(perm.all, "world", "anyone");
const hash = "Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=";

const lists: readonly (readonly Acl[] | null)[] = [
  null,
  [],
  [world, world],
  [world, aclOf(perm.read, "world", "anyone"), world],
  [aclOf(0, "world", "anyone")],
  [aclOf(999, "world", "anyone")],
  [aclOf(-1, "world", "anyone")],
  [aclOf(perm.all, "world", "someone")],
  [aclOf(perm.all, null, "anyone")],
  [aclOf(perm.all, "", "anyone")],
  [aclOf(perm.all, "nope", "x")],
  [aclOf(perm.all, "super", "")],
  [aclOf(perm.all, "sasl", "user")],
  [aclOf(perm.all, "x509", "CN=a")],
  [world, aclOf(perm.all, "nope", "x")],
];

test("a client's ACL list is checked entry by entry and freed of duplicates", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/n"));
    for (const [index, acl] of lists.entries()) {
      await a.ask(create(`/c${index}`, { acl }));
      await a.ask(getAcl(`/c${index}`));
      await a.ask(setAcl("/n", openAcl));
      await a.ask(setAcl("/n", acl));
    }
  });
});

const digestIds = ["a:b", "a:", ":x", "a:b:c", "", "a", ":", "::", `u:${hash}`, "é:ü"];

test("the syntax of a digest id follows Java's split", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const [index, id] of digestIds.entries()) {
      await a.ask(create(`/d${index}`, { acl: [aclOf(perm.all, "digest", id), world] }));
      await a.ask(getAcl(`/d${index}`));
    }
  });
});

const addresses = [
  "127.0.0.1",
  "127.0.0.1/8",
  "127.0.0.1/0",
  "127.0.0.1/32",
  "127.0.0.1/33",
  "127.0.0.1/-1",
  "127.0.0.1/x",
  "127.0.0.1/",
  "127.0.0.256",
  "127.0.0",
  "127.0.0.1.1",
  "10.0.0.0/8",
  "128.0.0.0/1",
  "0.0.0.0/1",
  "::1",
  "::1/128",
  "::1/129",
  "fe80::1/64",
  "1:2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7:8:9",
  "1::2::3",
  "::ffff:127.0.0.1",
  "12345::",
  "localhost",
  "",
  " 127.0.0.1",
];

test("an ip id is an address or a prefix, and matches by bits", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const [index, id] of addresses.entries()) {
      await a.ask(create(`/i${index}`, { acl: [aclOf(perm.read | perm.admin, "ip", id)] }));
      await a.ask(getData(`/i${index}`));
    }
  });
});

test("auth expands to the identities that count, each time anew", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const mine = aclOf(perm.all, "auth", "");
    await a.ask(create("/none", { acl: [mine] }));
    await a.ask(auth("ip", null));
    await a.ask(create("/none", { acl: [mine] }));
    await a.ask(auth("digest", "u:p"));
    await a.ask(auth("digest", "u:p"));
    await a.ask(create("/one", { acl: [aclOf(perm.all, "auth", null)] }));
    await a.ask(getAcl("/one"));
    await a.ask(auth("digest", "nocolon"));
    await a.ask(
      create("/two", { acl: [mine, aclOf(perm.read, "auth", "ignored"), aclOf(perm.read, "world", "anyone")] }),
    );
    await a.ask(getAcl("/two"));
    await a.ask(multi(create("/three", { acl: [mine] }), setData("/three", "x")));
    await a.ask(getAcl("/three"));
    await a.ask(whoAmI);
    const b = await scene.actor("b");
    for (const path of ["/one", "/two", "/three"]) {
      await b.ask(getAcl(path));
      await b.ask(setData(path, "x"));
    }
    await b.ask(auth("digest", "u:p"));
    await b.ask(setData("/one", "x"));
    await b.ask(getAcl("/one"));
  });
});

test("without ADMIN a reader sees digest hashes masked", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const secret = aclOf(perm.all, "digest", `u:${hash}`);
    await a.ask(
      create("/r", { acl: [secret, aclOf(perm.read, "world", "anyone"), aclOf(perm.read, "ip", "10.0.0.1")] }),
    );
    await a.ask(create("/a", { acl: [secret, aclOf(perm.admin, "world", "anyone")] }));
    await a.ask(create("/w", { acl: [secret, aclOf(perm.write, "world", "anyone")] }));
    await a.ask(create("/odd", { acl: [aclOf(perm.read, "world", "anyone"), aclOf(1, "digest", "a:b")] }));
    for (const path of ["/r", "/a", "/w", "/odd"]) {
      await a.ask(getAcl(path));
      await a.ask(getData(path));
      await a.ask(exists(path));
    }
    await a.ask(auth("digest", "u:p"));
    for (const path of ["/r", "/a", "/w", "/odd"]) await a.ask(getAcl(path));
  });
});

test("a super user passes every ACL", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/shut", { acl: [aclOf(0, "world", "anyone")] }));
    await a.ask(getData("/shut"));
    await a.ask(auth("digest", superUser));
    await a.ask(whoAmI);
    await a.ask(getData("/shut"));
    await a.ask(getAcl("/shut"));
    await a.ask(setData("/zookeeper/config", "c"));
    await a.ask(setData("/zookeeper/config", ""));
  });
});

test("a refused auth packet is answered and ends the connection, not the session", async () => {
  await pair.check(async (scene) => {
    for (const [scheme, data] of refusedAuths) {
      const a = await scene.actor(`${scheme}`);
      await a.ask(auth(scheme, data));
      await a.untilClosed();
      const again = await scene.actor(`${scheme} again`, { sessionId: a.session.id, password: a.session.password });
      await again.ask(exists("/"));
    }
  });
});

test("an undecodable auth packet ends the connection without a word", async () => {
  await pair.check(async (scene) => {
    for (const body of [Buffer.alloc(0), Buffer.alloc(3), Buffer.from("000000007fffffff", "hex")]) {
      const a = await scene.actor(`${body.length} bytes`);
      a.sendRaw(frame(record(int(-4), int(op.auth), body)), `auth of ${body.length} bytes`);
      await a.untilClosed();
      const again = await scene.actor("again", { sessionId: a.session.id, password: a.session.password });
      await again.ask(exists("/"));
    }
  });
});

test("auth packets echo their xid and ignore their type", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(auth("digest", "a:b", 77), 12);
    await a.ask(auth("digest", ":"));
    await a.ask(auth("digest", ""));
    await a.ask(auth("digest", "a:b:c"));
    await a.ask(whoAmI);
  });
});

test("a server without SASL answers a token with none, and a null token ends the connection", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(sasl(Buffer.alloc(0)));
    await a.ask(sasl(Buffer.from("token")));
    await a.ask(exists("/"));
    a.sendRaw(frame(record(int(9), int(op.sasl), int(-1))), "sasl null");
    await a.untilClosed();
    const again = await scene.actor("again", { sessionId: a.session.id, password: a.session.password });
    await again.ask(request(op.exists, exists("/").body, "exists"));
  });
});
