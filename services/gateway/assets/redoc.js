// The logo and the fonts that it would fetch from elsewhere are left out.
Redoc.init(
  "/openapi.json",
  { theme: { typography: { fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" } } } },
  document.getElementById("redoc"),
);
