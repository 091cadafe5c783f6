// How many parts a text has, and what its tokens become: as sms/parts.py and messaging/tokens.py do it on the server,
// with the server's own tables (composer's data block), so that both always agree.

/** counter({basic, extension, limits}) -> measure(text) -> {encoding, units, parts, left, odd} */
export function counter({ basic, extension, limits }) {
  const plain = new Set(basic);
  const double = new Set(extension);
  return (text) => {
    const chars = [...text];
    const odd = chars.filter((char) => !plain.has(char) && !double.has(char));
    const encoding = odd.length ? "UCS-2" : "GSM-7";
    const size = odd.length ? (char) => char.length : (char) => (double.has(char) ? 2 : 1);
    const [single, each] = limits[encoding];
    const units = chars.reduce((sum, char) => sum + size(char), 0);
    if (units <= single) return { encoding, units, parts: units ? 1 : 0, left: single - units, odd };
    // A pair that does not fit moves to the next part whole.
    let parts = 1;
    let room = each;
    for (const char of chars) {
      if (size(char) > room) {
        parts += 1;
        room = each;
      }
      room -= size(char);
    }
    return { encoding, units, parts, left: room, odd };
  };
}

/** {swap: characters, marked: [first and last letter of a run that loses its marks]} -> {character: swap} */
export function swapTable({ marked, ...grouped }) {
  const table = Object.fromEntries(Object.entries(grouped).flatMap(([swap, chars]) => [...chars].map((char) => [char, swap])));
  for (const [first, last] of marked) {
    for (let code = first.charCodeAt(0); code <= last.charCodeAt(0); code += 1) {
      const char = String.fromCharCode(code);
      table[char] = char.normalize("NFD")[0];
    }
  }
  return table;
}

/** The text with every character that has a swap swapped; loose accents first join their letter. */
export function swapSmart(text, swaps) {
  let joined = false; // to a letter, or to what is swapped: an accent that is left over goes
  const swap = (char) => {
    if (joined && /[\u0300-\u036f]/.test(char)) return "";
    joined = char in swaps || /[A-Za-zÀ-ɏḀ-ỿ]/.test(char);
    return swaps[char] ?? char;
  };
  return [...text.normalize("NFC")].map(swap).join("");
}

/** The text as a person with these values gets it; a token that is not one of `names` stays as it is written.
    `links`: {kind of a token: an address as long as it will be}. */
export function render(source, values, names, links = {}) {
  let text = "";
  let done = 0;
  let at = source.indexOf("{{");
  while (at >= 0) {
    if (source[at + 2] === "{" && source[at + 3] !== "{") at += 1; // a single brace as text before a token
    const close = source.indexOf("}}", at + 2);
    const opened = source.indexOf("{{", at + 2);
    if (close < 0) break;
    if (opened >= 0 && opened < close) {
      at = opened;
      continue;
    }
    const [name, ...rest] = source.slice(at + 2, close).split("|");
    const key = name.trim();
    if (names.has(key)) {
      text += source.slice(done, at) + (values[key] || rest.join("|").trim());
      done = close + 2;
    } else if (links[key.split(":")[0]]) {
      text += source.slice(done, at) + links[key.split(":")[0]];
      done = close + 2;
    } else if (key === "random_symbol") {
      text += `${source.slice(done, at)}k`;
      done = close + 2;
    }
    at = source.indexOf("{{", close + 2);
  }
  return text + source.slice(done);
}
