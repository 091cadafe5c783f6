// What a person chose on this device. Nothing of a workspace is ever kept here.
export function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // storage is switched off: the choice lasts for this page
  }
}

export function kept(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
