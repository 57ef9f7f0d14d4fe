import * as z from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from "zod-openapi";
import type { EventsRoute } from "../routes.types.ts";
import { eventsErrorCodes } from "./error-codes.ts";
import { parameters, problemResponses } from "./shared-components.ts";

const DESCRIPTION = `The stream sends one of these events, and then ends:

- \`session_ended\`: the session was revoked. Sign in again.
- \`token_stale\`: the account or its permissions have changed. Refresh the access token and open the stream again.
- \`token_expired\`: refresh the access token and open the stream again.

The data of each event is \`{ "code", "detail" }\`. A comment is sent every 15 seconds.`;

export function eventsOperation(route: EventsRoute): ZodOpenApiOperationObject {
  return {
    operationId: "streamSessionEvents",
    tags: [route.tag],
    summary: route.summary,
    description: DESCRIPTION,
    requestParams: {
      header: z.object({ "X-Correlation-ID": parameters.correlationId, "X-Tenant": parameters.actingTenant }),
    },
    security: [{ bearer: [] }, { cookie: [] }],
    responses: {
      "200": { description: "The stream.", content: { "text/event-stream": { schema: z.string() } } },
      ...problemResponses(eventsErrorCodes(route)),
    } as ZodOpenApiResponsesObject,
  };
}
