-- What wrk sends: one request for each token of a file, round and round. Prints one JSON object when done.
--
-- Arguments: the file of tokens, and `json` or `mcp`.

local requests, at = {}, 0

function init(arguments)
  local file, route = arguments[1], arguments[2]
  local headers = { ["Host"] = "mcp.bench.test" }
  local method, body = "GET", nil
  if route == "mcp" then
    method = "POST"
    headers["Accept"] = "application/json, text/event-stream"
    headers["Content-Type"] = "application/json"
    headers["MCP-Protocol-Version"] = "2025-11-25"
    body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"city":"Oslo"}}}'
  end
  for token in io.lines(file) do
    headers["Authorization"] = "Bearer " .. token
    requests[#requests + 1] = wrk.format(method, "/" .. route, headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{"requests": %d, "microseconds": %d, "failed": %d}\n', summary.requests, summary.duration, failed))
end
