// Loaded as a classic script before the page is painted, so that the reader's choice of colours does not flash.
try {
  const theme = localStorage.getItem("usermesh.theme");
  if (theme !== null) document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden. The page then follows the system.
}
