/* What an operator is told of each decision. Arguments: a configuration that keeps events, and an Authorization value. */
#include <scopegate.h>

#include "expect.h"

int main(int argc, char **argv) {
  scopegate_server *server = NULL;
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  scopegate_report *report = NULL;
  scopegate_error *error = NULL;
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  scopegate_str authorization;
  const char *second;
  EXPECT(argc == 3);
  authorization = scopegate_str_from(argv[2]);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, argv[1], strlen(argv[1]), &server, NULL) == SCOPEGATE_OK);
  request.method = scopegate_str_from("GET");
  request.target = scopegate_str_from("/mcp");
  EXPECT(scopegate_server_authorize(server, &request, &token, &answer) == SCOPEGATE_MISSING_TOKEN);
  scopegate_response_free(answer);
  answer = NULL;
  request.authorization = &authorization;
  request.authorization_count = 1;
  EXPECT(scopegate_server_authorize(server, &request, &token, &answer) == SCOPEGATE_OK);
  scopegate_token_free(token);

  EXPECT(scopegate_server_drain_events(server, &report, &error) == SCOPEGATE_OK && error == NULL);
  EXPECT(strstr(scopegate_report_text(report).data, "\"reason\":\"missing_token\"") != NULL);
  second = strchr(scopegate_report_text(report).data, '\n');
  EXPECT(second != NULL && strstr(second, "\"outcome\":\"accepted\"") != NULL && strstr(second, "\"subject\":\"alice\"") != NULL);
  EXPECT(strchr(second + 1, '\n') == scopegate_report_text(report).data + scopegate_report_text(report).len - 1);
  scopegate_report_free(report);
  report = NULL;
  EXPECT(scopegate_server_drain_events(server, &report, NULL) == SCOPEGATE_OK);
  EXPECT(scopegate_report_text(report).len == 0);
  scopegate_report_free(report);
  report = NULL;

  EXPECT(scopegate_server_metrics(server, &report, &error) == SCOPEGATE_OK && error == NULL);
  EXPECT(strstr(scopegate_report_text(report).data, "\nscopegate_accepted_total 1\n") != NULL);
  EXPECT(strstr(scopegate_report_text(report).data, "\nscopegate_refused_total{reason=\"missing_token\"} 1\n") != NULL);
  scopegate_report_free(report);
  report = NULL;

  EXPECT(scopegate_server_metrics(NULL, &report, &error) == SCOPEGATE_NULL_ARGUMENT && report == NULL);
  scopegate_error_free(error);
  error = NULL;
  EXPECT(scopegate_server_drain_events(NULL, &report, &error) == SCOPEGATE_NULL_ARGUMENT && report == NULL);
  scopegate_error_free(error);
  scopegate_server_free(server);
  return 0;
}
