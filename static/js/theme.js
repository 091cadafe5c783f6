// Runs before the first paint, hence a blocking file of its own: the CSP allows no inline script.
(() => {
  const root = document.documentElement;
  const kept = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is switched off: nothing is kept, all else works
    }
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const theme = kept("theme");
    root.classList.toggle("dark", theme ? theme === "dark" : system.matches);
  };
  root.classList.add("js");
  root.classList.toggle("sidebar-closed", kept("sidebar") === "closed");
  apply();
  system.addEventListener("change", apply);
})();
