/**
 * How far two clocks may be apart before somebody sees a signature from the future, which Helm 4 refuses. Ours are
 * dated back by this much, publishers' may be ahead of us by as much. NTP keeps clocks within a second; machines
 * without it drift some seconds a day, and Kerberos has lived with five minutes for decades.
 */
export const CLOCK_SKEW_MS = 5 * 60 * 1000
