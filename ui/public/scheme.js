// Sets the colour scheme before the first paint: what was chosen on this page, else what the system prefers.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("keirin-colour-scheme");
  } catch (_) {
    // Storage can be closed to this page; the system's preference is then all there is.
  }
  var dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
