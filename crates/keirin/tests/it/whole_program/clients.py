"""Asks a server what people ask a Prometheus; ends with an error where an answer is not right."""

import sys
from datetime import datetime, timedelta, timezone

from prometheus_api_client import PrometheusConnect

url, token, metric = sys.argv[1:]
prometheus = PrometheusConnect(url=url, headers={"Authorization": f"Bearer {token}"})

assert prometheus.check_prometheus_connection()
assert metric in prometheus.all_metrics(), prometheus.all_metrics()
assert "part" in prometheus.get_label_names()
assert prometheus.get_label_values("part") == ["docs", "site"]

now = prometheus.get_current_metric_value(metric_name=metric, label_config={"part": "docs"})
assert [series["value"][1] for series in now] == ["12.5"], now
assert now[0]["metric"] == {"__name__": metric, "part": "docs"}, now

answer = prometheus.custom_query(f"sum({metric})")
assert answer[0]["value"][1] == "20", answer

end = datetime.now(timezone.utc)
over_time = prometheus.custom_query_range(
    f"sum by (part) ({metric})", start_time=end - timedelta(minutes=2), end_time=end, step="15s"
)
assert {series["metric"]["part"] for series in over_time} == {"docs", "site"}, over_time
assert all(value == "12.5" for series in over_time for _, value in series["values"] if series["metric"]["part"] == "docs")

values = prometheus.get_metric_range_data(metric_name=metric, start_time=end - timedelta(minutes=2), end_time=end)
assert len(values) == 2, values

try:
    prometheus.custom_query("sum(")
except Exception as error:
    assert "sum" in str(error) or "end" in str(error), error
else:
    raise SystemExit("a query that is none was answered")
print("all answers are right")
