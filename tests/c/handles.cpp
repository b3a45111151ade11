// The owning handles of scopegate.hpp. Arguments: a configuration, and an Authorization value that it accepts.
#include <scopegate.hpp>

#include "expect.h"

static scopegate_status authorize(const scopegate::server &gate, std::string_view authorization, scopegate::token &token,
                                  scopegate::response &answer) {
  scopegate_str line = scopegate::str(authorization);
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  request.authorization = &line;
  request.authorization_count = 1;
  return scopegate_server_authorize(gate.get(), &request, scopegate::into(token), scopegate::into(answer));
}

int main(int argc, char **argv) {
  EXPECT(argc == 3);
  std::string_view config = argv[1];
  scopegate::server gate;
  scopegate::error error;
  scopegate::token token;
  scopegate::response answer;
  scopegate::report report;

  EXPECT(scopegate_server_new(SCOPEGATE_ABI, "{}", 2, scopegate::into(gate), scopegate::into(error)) ==
         SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(!gate && scopegate::view(scopegate_error_message(error.get())).find("resource") != std::string_view::npos);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, config.data(), config.size(), scopegate::into(gate), nullptr) == SCOPEGATE_OK);

  EXPECT(authorize(gate, argv[2], token, answer) == SCOPEGATE_OK);
  EXPECT(token && !answer && scopegate::view(scopegate_token_subject(token.get())) == "user");

  // A second result takes the place of the first; a handle without a result is left alone.
  EXPECT(authorize(gate, "Bearer x", token, answer) == SCOPEGATE_MALFORMED_TOKEN);
  EXPECT(token && scopegate::view(scopegate_response_reason(answer.get())) == "malformed_token");
  EXPECT(authorize(gate, "Basic x", token, answer) == SCOPEGATE_MISSING_TOKEN);
  EXPECT(scopegate::view(scopegate_response_reason(answer.get())) == "missing_token");

  EXPECT(scopegate_server_health(gate.get(), scopegate::into(report), scopegate::into(error)) == SCOPEGATE_OK);
  EXPECT(scopegate::view(scopegate_report_text(report.get())).find("\"status\":\"ok\"") != std::string_view::npos);

  // Results outlive the server.
  gate.reset();
  EXPECT(scopegate::view(scopegate_token_subject(token.get())) == "user");
  return 0;
}
