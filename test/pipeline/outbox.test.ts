/** What connections are sent, gathered and handed over once a turn. */

import { describe, expect, test } from "vitest";
import { JuteWriter } from "#jute/writer.ts";
import { Client, type ClientLink } from "#pipeline/client.ts";
import { Outbox } from "#pipeline/outbox.ts";

class RecordingLink implements ClientLink {
  readonly sent: string[] = [];
  /** Whether what is sent has left at once. */
  isTaking = true;
  readonly isHeldBack = false;

  send(out: JuteWriter): boolean {
    this.sent.push(out.bytes.toString("latin1", 0, out.length));
    return this.isTaking;
  }

  readonly isResting = false;
  readonly isFull = false;
  rest(): void {}
  full(): void {}
  hasRoom(): void {}
  closeAfterSending(): void {}
  closeNow(): void {}
  sessionAnswered(): void {}
  pauseReading(): void {}
  resumeReading(): void {}
}

let nextNumber = 0;

function newClient(): { client: Client; link: RecordingLink } {
  const link = new RecordingLink();
  const client = new Client({ number: nextNumber++, link, remoteAddress: "10.0.0.1", remotePort: 1, wallMs: 0 });
  return { client, link };
}

function say(outbox: Outbox, client: Client, text: string): JuteWriter {
  const out = outbox.open(client);
  out.writeRaw(Buffer.from(text), 0, text.length);
  return out;
}

function frameOf(text: string): JuteWriter {
  const frame = new JuteWriter(text.length);
  frame.writeRaw(Buffer.from(text), 0, text.length);
  return frame;
}

describe("a turn", () => {
  test("ends in one send for each connection that has something to say", () => {
    const outbox = new Outbox();
    const [first, second, quiet] = [newClient(), newClient(), newClient()];
    say(outbox, first.client, "a");
    say(outbox, second.client, "b");
    say(outbox, first.client, "c");
    outbox.flush();
    outbox.flush();
    expect([first.link.sent, second.link.sent, quiet.link.sent]).toEqual([["ac"], ["b"], []]);
  });

  test("may send one connection's output before its end, and what comes after goes with the rest", () => {
    const outbox = new Outbox();
    const [first, second] = [newClient(), newClient()];
    say(outbox, first.client, "a");
    say(outbox, second.client, "b");
    outbox.flushOne(first.client);
    expect([first.link.sent, second.link.sent]).toEqual([["a"], []]);
    say(outbox, first.client, "c");
    outbox.flush();
    expect([first.link.sent, second.link.sent]).toEqual([["a", "c"], ["b"]]);
  });

  test("sends nothing for a connection that was forgotten meanwhile", () => {
    const outbox = new Outbox();
    const { client, link } = newClient();
    say(outbox, client, "a");
    client.out = null;
    outbox.flush();
    outbox.flushOne(client);
    expect(link.sent).toEqual([]);
  });

  test("sends nothing for an output that was opened and left empty", () => {
    const outbox = new Outbox();
    const { client, link } = newClient();
    outbox.open(client);
    outbox.flush();
    expect(link.sent).toEqual([]);
    expect(client.out).toBe(null);
  });
});

describe("what many are sent", () => {
  test("is one frame for all, which nobody's bytes get into", () => {
    const outbox = new Outbox();
    const clients = [newClient(), newClient(), newClient(), newClient()];
    const [plain, before, after, twice] = clients.map(({ client }) => client);
    const frame = frameOf("event");
    say(outbox, before!, "a");
    for (const { client } of clients) outbox.share(client, frame);
    expect(plain!.out).toBe(frame);
    say(outbox, after!, "b");
    outbox.share(twice!, frameOf("other"));
    outbox.flush();
    expect(clients.map(({ link }) => link.sent)).toEqual([["event"], ["aevent"], ["eventb"], ["eventother"]]);
    expect(frame.bytes.toString()).toBe("event");
  });

  test("is not lent to anybody afterwards", () => {
    const outbox = new Outbox();
    const { client, link } = newClient();
    const frame = frameOf("e".repeat(20_000));
    outbox.share(client, frame);
    outbox.flush();
    expect(say(outbox, client, "a")).not.toBe(frame);
    outbox.flush();
    expect(link.sent[1]).toBe("a");
  });

  test("does not reach a connection that was forgotten meanwhile, and what it opens later is its own", () => {
    const outbox = new Outbox();
    const { client, link } = newClient();
    const frame = frameOf("event");
    outbox.share(client, frame);
    client.out = null;
    outbox.flush();
    const writer = say(outbox, client, "a");
    expect(writer).not.toBe(frame);
    outbox.flush();
    expect(link.sent).toEqual(["a"]);
    expect(say(outbox, client, "b")).toBe(writer);
  });
});

describe("a writer", () => {
  test("serves the next connection once its bytes have left", () => {
    const outbox = new Outbox();
    const [first, second] = [newClient(), newClient()];
    const writer = say(outbox, first.client, "a");
    outbox.flush();
    expect(say(outbox, second.client, "b")).toBe(writer);
    outbox.flush();
    expect(second.link.sent).toEqual(["b"]);
  });

  test("that a socket holds on to is used again when all of the socket's bytes have left, not before", () => {
    const outbox = new Outbox();
    const [slow, other] = [newClient(), newClient()];
    slow.link.isTaking = false;
    const first = say(outbox, slow.client, "a");
    outbox.flush();
    const second = say(outbox, slow.client, "b");
    expect(say(outbox, other.client, "c")).not.toBe(first);
    outbox.flush();
    slow.link.isTaking = true;
    outbox.reclaim(slow.client);
    outbox.reclaim(slow.client);
    expect(second).not.toBe(first);
    const lent = [newClient(), newClient(), newClient(), newClient()].map(({ client }) => say(outbox, client, "d"));
    expect(lent).toContain(first);
    expect(lent).toContain(second);
    expect(new Set(lent).size).toBe(4);
  });

  test("is waited for if it is one of few that a socket holds on to, so that one that is never done keeps no more", () => {
    const outbox = new Outbox();
    const { client, link } = newClient();
    link.isTaking = false;
    for (let i = 0; i < 1000; i++) {
      say(outbox, client, "a");
      outbox.flush();
    }
    expect(link.sent).toHaveLength(1000);
    expect(client.unsent).toHaveLength(8);
  });

  test("that has grown by a large reply is kept", () => {
    const outbox = new Outbox();
    const { client } = newClient();
    const writer = say(outbox, client, "x".repeat(1_200_000));
    outbox.flush();
    expect(say(outbox, client, "a")).toBe(writer);
  });

  test("that has grown beyond that is not kept", () => {
    const outbox = new Outbox();
    const { client } = newClient();
    const writer = say(outbox, client, "x".repeat(5_000_000));
    outbox.flush();
    expect(say(outbox, client, "a")).not.toBe(writer);
  });

  test("is not kept when those that are take as much memory as they may", () => {
    const outbox = new Outbox();
    const clients = Array.from({ length: 20 }, () => newClient().client);
    const sayMuch = (): Set<JuteWriter> => new Set(clients.map((client) => say(outbox, client, "x".repeat(1 << 20))));
    const first = sayMuch();
    outbox.flush();
    const again = [...sayMuch()].filter((writer) => first.has(writer));
    expect(again).toHaveLength(16);
  });
});
