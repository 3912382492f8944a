/**
 * Chartroom's settings in every work, beyond its defaults: the limits that a load generator would meet are far up, not
 * off, so that their cost is in every figure.
 */
export const SETTINGS: Readonly<Record<string, unknown>> = {
  limits: { rate: 1_000_000_000, handshakes: 1_000_000 },
}
