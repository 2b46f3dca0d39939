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
export const main = box('at work', 0, `--password '${password}'`);
/** A box that nobody has logged in to yet. */
export const first = box('new', 1, `--first-password ${firstPassword}`);
/** A box without a policy. */
export const setup = box('without a policy', 2, `--setup --password '${password}'`);
/** A box whose trials are short, so that one can be seen to run out, and which only tells what it would do about fraud. */
export const lost = box('with short trials', 3, `--trial 6s --away --simulate --password '${password}'`);
