/** What a mean opinion score means to a person: the steps of ITU-T G.109, three of five taken together. */
export type Grade = 'good' | 'fair' | 'poor';

/** judge is undefined when there is no rating. */
export function judge(mos: number): Grade | undefined {
  if (mos <= 0) return undefined;
  return mos >= 4.03 ? 'good' : mos >= 3.6 ? 'fair' : 'poor';
}
