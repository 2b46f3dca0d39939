package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// DocumentVersion is the version of the API in its OpenAPI document; the paths carry its first number.
const DocumentVersion = "1.0.0"

// Document returns the OpenAPI 3.1 document of the API, indented JSON with a line feed at its end.
func Document() ([]byte, error) {
	return document(newAPI(http.NewServeMux(), &Server{}))
}

func document(a huma.API) ([]byte, error) {
	raw, err := a.OpenAPI().MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	// Once more through a plain value, so that the keys stand in a lasting order.
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return nil, fmt.Errorf("reading the OpenAPI document back: %w", err)
	}
	out, err := json.MarshalIndent(plain, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	return append(out, '\n'), nil
}

// newAPI registers every operation of s on mux.
func newAPI(mux *http.ServeMux, s *Server) huma.API {
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	a := humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "Tollgate",
				Version:     DocumentVersion,
				Description: "What the page and the command line of a Tollgate box talk to. Errors are RFC 9457 problem documents.",
			},
			Components: &huma.Components{
				Schemas: schemas,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"session": {Type: "apiKey", In: "cookie", Name: cookieName, Description: "Set by POST /api/v1/session."},
				},
			},
			Security: []map[string][]string{{"session": {}}},
		},
		// No DocsPath: huma's pages load scripts from a CDN. No SchemasPath, no OpenAPIPath: see getDocument.
		// "json" is what huma looks for behind application/problem+json.
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{plainProblems},
	})
	a.UseMiddleware(s.guard)
	s.register(a)
	dropUnusedSchemas(schemas.Map())
	return a
}

// dropUnusedSchemas removes what huma registers for errors of its own; plainProblems lets none of them out.
func dropUnusedSchemas(schemas map[string]*huma.Schema) {
	maps.DeleteFunc(schemas, func(name string, _ *huma.Schema) bool {
		return name == "ErrorModel" || name == "ErrorDetail"
	})
}
