import { MOST_EXPERTS } from '../council-name.js';

/** Each expert of a session has a cache of its own: two of them may be one model. */
export function expertSession(sessionId: string, place: number): string {
  return `${sessionId}:${place}`;
}

export function judgeSession(sessionId: string): string {
  return `${sessionId}:judge`;
}

/** All that the councils of a session may have used. */
export function councilSessions(sessionId: string): readonly string[] {
  const places = Array.from({ length: MOST_EXPERTS }, (_, place) => expertSession(sessionId, place));
  return [...places, judgeSession(sessionId)];
}
