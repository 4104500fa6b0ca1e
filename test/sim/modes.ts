/**
 * What operators may set otherwise by restarting one server after the other. Meanwhile, and for as long as they like, servers differ: each
 * goes by its own setting, and what it does not do for others they do without.
 */

/** Lines of zoo.cfg, and words of the command line, by their keys. */
export interface Settings {
  readonly lines?: Readonly<Record<string, string | number | boolean>>;
  readonly properties?: Readonly<Record<string, string>>;
}

export interface Mode {
  readonly on: Settings;
  readonly off: Settings;
}

export const localSessions: Mode = {
  on: { lines: { localSessionsEnabled: true, localSessionsUpgradingEnabled: true } },
  off: { lines: { localSessionsEnabled: false, localSessionsUpgradingEnabled: false } },
};

export const readOnly: Mode = {
  on: { properties: { "readonlymode.enabled": "true" } },
  off: { properties: { "readonlymode.enabled": "false" } },
};

/** Followers serve observers, and observers look for them. */
export const observerMasters: Mode = {
  on: { lines: { observerMasterPort: 2191 } },
  off: { lines: { observerMasterPort: 0 } },
};

export const leadersServeNobody: Mode = {
  on: { lines: { leaderServes: "no" } },
  off: { lines: { leaderServes: "yes" } },
};

/** One voter may be an ensemble. Where a change may leave one voter, all servers have to be of one mind about it. */
export const oneVoter: Mode = {
  on: { lines: { standaloneEnabled: false } },
  off: { lines: { standaloneEnabled: true } },
};

/** As -D words and zoo.cfg say it. */
export function settingsText({ lines, properties }: Settings): string {
  return Object.entries({ ...lines, ...properties })
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}
