/** The invented boxes that the tests talk to. Their options are told by `devserver --help`. */

export interface Box {
  name: string;
  port: number;
  address: string;
  options: string;
}

export const user = 'admin';
export const firstPassword = 'demo-demo-demo-2345';
export const password = 'orange carpet violin September';

const base = Number(process.env.TOLLGATE_E2E_PORT ?? 18443);

function box(name: string, offset: number, options: string): Box {
  const port = base + offset;
  return { name, port, address: `https://127.0.0.1:${port}`, options };
}

/** A box at work, whose password was changed already. */
export const main = box('at work', 0, `--press 4s --password '${password}'`);
/** A box that nobody has logged in to yet. */
export const first = box('new', 1, `--first-password ${firstPassword}`);
/** A box without a policy. */
export const setup = box('without a policy', 2, `--setup --password '${password}'`);
/** A box that has seen better days: its trials are short, so that one can be seen to run out, it only tells what it would do about
fraud, its last update fell back, its addresses for telephones are all lent, and nobody comes to its button. */
export const lost = box('with short trials', 3, `--trial 6s --away --simulate --ill --press 24h --password '${password}'`);
