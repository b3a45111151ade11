package mcpgate

import (
	"context"
	"iter"
	"log/slog"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	scopegate "github.com/scopegate/scopegate/bindings-go"
)

// MetaScopes is the member of the Meta of a tool, prompt or resource that holds the scopes it needs: a []string, or "deny".
//
//	mcp.AddTool(server, &mcp.Tool{Name: "erase", Meta: mcp.Meta{mcpgate.MetaScopes: []string{"admin"}}}, erase)
const MetaScopes = "scopegate/scopes"

// A DeclaredOption changes what Declared does.
type DeclaredOption func(*declaredOptions)

type declaredOptions struct{ strict bool }

// Strict refuses to start where a rule of the policy matches nothing that is offered, or what is offered has no rule.
func Strict() DeclaredOption {
	return func(options *declaredOptions) { options.strict = true }
}

// Declared makes a gate that also asks for the scopes which stand beside the tools, prompts and resources of a server. It
// lists them as a client does, over a connection within the process; so call it once they are all there, and
// FilterLists with its result. A declaration can only add to what the policy says; where the policy has no rule, it
// stands in the place of Policy.Default. Each thing that the policy forgot is a line of the log.
//
// A tool that is added later is not known here: the configured policy alone decides on it, so let Policy.Default be Deny
// where tools come later, and call this again for a GateFunc. The gate itself is given back where nothing is declared.
//
// The error is a *scopegate.ConfigError for scopes that are none and, when strict, for what the policy forgot; or what
// came of listing.
func Declared(
	ctx context.Context, gate *scopegate.ResourceServer, server *mcp.Server, options ...DeclaredOption,
) (*scopegate.ResourceServer, error) {
	var chosen declaredOptions
	for _, option := range options {
		option(&chosen)
	}
	offered, err := offeredBy(ctx, server)
	if err != nil {
		return nil, err
	}
	declared, report, err := gate.Declare(offered)
	if err != nil {
		return nil, err
	}
	forgotten := report.Forgotten
	if chosen.strict && len(forgotten) > 0 {
		declared.Close()
		return nil, &scopegate.ConfigError{Errors: forgotten}
	}
	declares := slices.ContainsFunc(offered, func(thing scopegate.Offered) bool { return thing.Scopes != nil })
	isRuled := report.Default == scopegate.Deny || len(report.UnmatchedRules) > 0 || len(report.Defaulted) < len(offered)
	if declares || isRuled { // else there is nothing that could forget
		for _, mistake := range forgotten {
			gate.Logger().LogAttrs(ctx, slog.LevelWarn, "scopegate: policy: "+mistake.Path+": "+mistake.Message)
		}
	}
	if !declares {
		declared.Close()
		return gate, nil
	}
	return declared, nil
}

// offeredBy is all that a server offers, with what stands beside it.
func offeredBy(ctx context.Context, server *mcp.Server) ([]scopegate.Offered, error) {
	ours, theirs := mcp.NewInMemoryTransports()
	serving, err := server.Connect(ctx, theirs, nil)
	if err != nil {
		return nil, err
	}
	defer serving.Close()
	client := mcp.NewClient(&mcp.Implementation{Name: "scopegate", Version: scopegate.Version()}, nil)
	session, err := client.Connect(ctx, ours, nil)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	var offered []scopegate.Offered
	has := session.InitializeResult().Capabilities
	if has.Tools != nil {
		offered, err = offer(offered, session.Tools(ctx, nil), func(tool *mcp.Tool) (scopegate.CallKind, string, mcp.Meta) {
			return scopegate.KindTool, tool.Name, tool.Meta
		})
	}
	if err == nil && has.Prompts != nil {
		offered, err = offer(offered, session.Prompts(ctx, nil), func(prompt *mcp.Prompt) (scopegate.CallKind, string, mcp.Meta) {
			return scopegate.KindPrompt, prompt.Name, prompt.Meta
		})
	}
	if err == nil && has.Resources != nil {
		offered, err = offer(offered, session.Resources(ctx, nil), func(resource *mcp.Resource) (scopegate.CallKind, string, mcp.Meta) {
			return scopegate.KindResource, resource.URI, resource.Meta
		})
	}
	if err == nil && has.Resources != nil {
		templates := session.ResourceTemplates(ctx, nil)
		offered, err = offer(offered, templates, func(template *mcp.ResourceTemplate) (scopegate.CallKind, string, mcp.Meta) {
			return scopegate.KindResource, template.URITemplate, template.Meta
		})
	}
	return offered, err
}

// offer adds a list to what is offered.
func offer[Item any](
	offered []scopegate.Offered, items iter.Seq2[Item, error], read func(Item) (scopegate.CallKind, string, mcp.Meta),
) ([]scopegate.Offered, error) {
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		kind, name, meta := read(item)
		thing := scopegate.Offered{Kind: kind, Name: name}
		if declaration, ok := meta[MetaScopes]; ok {
			thing.Scopes = scopegate.RuleOf(declaration)
		}
		offered = append(offered, thing)
	}
	return offered, nil
}
