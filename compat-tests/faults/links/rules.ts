/** What becomes of the bytes that leave one member for another. Each direction of a link has a rule of its own. */

export type LinkRule =
  | { readonly kind: "open" }
  /** Nothing arrives, and nobody is told: what is sent waits, as TCP would go on sending it, until the link is open again. */
  | { readonly kind: "silent" }
  /** Connections are reset, those that are there and those that are tried. */
  | { readonly kind: "refused" }
  /** Everything arrives, in its order, but late. */
  | {
      readonly kind: "slow";
      readonly delayMs: number;
      /** Up to so much more. */
      readonly jitterMs: number;
      readonly bytesPerSecond: number;
    };

export const openLink: LinkRule = { kind: "open" };

/** Whom a gateway (gateway.ts) stands for, and where it lets connections in. */
export interface GatewayPlan {
  /** Server id; 0 is where the clients are. */
  readonly own: number;
  /** Where gateways find each other: a socket for each, by its number. */
  readonly folder: string;
  readonly doors: readonly Door[];
}

/** Whoever connects here is connected to that port of a member. */
export interface Door {
  readonly host: string;
  readonly port: number;
  readonly to: number;
  readonly toPort: number;
}

export function socketOf(folder: string, own: number): string {
  return `${folder}/${own}.sock`;
}

/** The address that a member has in everybody's configuration. */
export function addressOf(sid: number): string {
  return `127.0.0.${sid}`;
}
