declare const SwaggerUIBundle: (options: object) => unknown;

SwaggerUIBundle({
  url: document.getElementById("docs")?.dataset.openapi,
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
