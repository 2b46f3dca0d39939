/** Where the person is. The address holds it, so that a place can be kept, sent and gone back to. */

export const places = ['overview', 'calls', 'connections', 'network', 'system'] as const;

export type PlaceName = (typeof places)[number];

export interface Place {
  name: PlaceName;
  /** What inside the place: a call's identifier, a page of the system. */
  inside: string;
  /** What is searched for. */
  filter: string;
}

/** read takes the place from the part of an address after #; what it does not know is the overview. */
export function read(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name = '', ...inside] = path.split('/');
  const known = (places as readonly string[]).includes(name);
  return {
    name: known ? (name as PlaceName) : 'overview',
    inside: known ? decode(inside.join('/')) : '',
    filter: known ? (new URLSearchParams(query).get('filter') ?? '') : '',
  };
}

/** write is the address of a place. */
export function write(name: PlaceName, inside = '', filter = ''): string {
  const path = inside ? `${name}/${encodeURIComponent(inside)}` : name;
  return '#/' + path + (filter ? '?' + new URLSearchParams({ filter }) : '');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** Here is the place of this page, following the address. */
export class Here {
  #place = $state.raw<Place>(read(location.hash));

  constructor() {
    addEventListener('hashchange', () => (this.#place = read(location.hash)));
  }

  get name(): PlaceName {
    return this.#place.name;
  }

  get inside(): string {
    return this.#place.inside;
  }

  get filter(): string {
    return this.#place.filter;
  }

  /** Typing into a filter replaces the address instead of adding a step to go back over. */
  set filter(filter: string) {
    history.replaceState(null, '', write(this.name, this.inside, filter));
    this.#place = { ...this.#place, filter };
  }
}
