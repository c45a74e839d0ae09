// The text that a scraper reads: Prometheus text format 0.0.4, series in the order of their labels.
#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <tuple>
#include <utility>

#include "aero/metrics.h"
#include "metrics/counters.h"
#include "metrics/label.h"
#include "metrics/totals.h"

namespace aero::metrics {

namespace {

constexpr std::string_view operation_metric = "db_client_operation_duration_seconds";
constexpr std::string_view stage_metric = "db_client_internal_stage_seconds";
constexpr std::string_view event_metric = "db_client_core_events_total";

void append_head(std::string& to, std::string_view metric, std::string_view help, std::string_view type) {
    to.append("# HELP ").append(metric).append(" ").append(help).append("\n");
    to.append("# TYPE ").append(metric).append(" ").append(type).append("\n");
}

void append_number(std::string& to, uint64_t value) {
    std::array<char, 24> text;
    const auto [end, failed] = std::to_chars(text.data(), text.data() + text.size(), value);
    to.append(text.data(), end);
}

// Seconds with the nanoseconds kept: 1.5 s is "1.5", 1 ns is "0.000000001".
void append_seconds(std::string& to, uint64_t ns) {
    append_number(to, ns / 1'000'000'000);
    uint64_t rest = ns % 1'000'000'000;
    if (rest == 0) return;
    std::array<char, 10> digits{'.'};
    for (size_t i = 9; i >= 1; --i, rest /= 10) digits[i] = static_cast<char>('0' + rest % 10);
    std::string_view text(digits.data(), digits.size());
    to.append(text.substr(0, text.find_last_not_of('0') + 1));
}

using label = std::pair<std::string_view, std::string_view>;

std::string labels_text(std::initializer_list<label> labels) {
    std::string text;
    for (const auto& [name, value] : labels) {
        if (!text.empty()) text += ',';
        text.append(name).append("=\"");
        append_escaped(text, value);
        text += '"';
    }
    return text;
}

template <size_t BoundCount, class Totals>
void append_histogram(std::string& to, std::string_view metric, const std::string& labels,
                      const std::array<bound, BoundCount>& bounds, const Totals& totals) {
    uint64_t seen = 0;
    for (size_t i = 0; i <= BoundCount; ++i) {
        seen += totals.buckets[i];
        to.append(metric).append("_bucket{").append(labels).append(",le=\"");
        to.append(i < BoundCount ? bounds[i].text : "+Inf").append("\"} ");
        append_number(to, seen);
        to += '\n';
    }
    to.append(metric).append("_sum{").append(labels).append("} ");
    append_seconds(to, totals.sum_ns);
    to += '\n';
    to.append(metric).append("_count{").append(labels).append("} ");
    append_number(to, totals.count);
    to += '\n';
}

void append_operations(std::string& to, const registry::contents& all) {
    append_head(to, operation_metric, "Duration of database client operations", "histogram");
    std::vector<size_t> order(all.all_series.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t left, size_t right) {
        const auto rank = [&](size_t i) {
            const series& s = *all.all_series[i];
            return std::tie(s.operation, s.name_space, s.set, s.error_kind);
        };
        return rank(left) < rank(right);
    });
    for (const size_t number : order) {
        const operation_totals totals = operation_totals_of(all.shards, number);
        if (totals.count == 0) continue;
        const series& s = *all.all_series[number];
        append_histogram(to, operation_metric,
                         labels_text({{"db_system_name", "aerospike"},
                                      {"db_namespace", s.name_space},
                                      {"db_collection_name", s.set},
                                      {"db_operation_name", s.operation},
                                      {"error_type", s.error_kind}}),
                         operation_bounds, totals);
    }
}

void append_stages(std::string& to, const registry::contents& all) {
    append_head(to, stage_metric, "Duration of the stages inside client operations", "histogram");
    for (size_t operation = 0; operation < all.staged_operations.size(); ++operation) {
        for (size_t index = 0; index < stage_count; ++index) {
            const stage_totals totals = stage_totals_of(all.shards, operation, index);
            if (totals.count == 0) continue;
            append_histogram(to, stage_metric,
                             labels_text({{"stage", name_of(static_cast<stage>(index))},
                                          {"db_operation_name", all.staged_operations[operation]}}),
                             stage_bounds, totals);
        }
    }
}

void append_events(std::string& to) {
    append_head(to, event_metric, "Events inside the client core", "counter");
    for (size_t i = 0; i < static_cast<size_t>(event::count_); ++i) {
        const auto which = static_cast<event>(i);
        to.append(event_metric).append("{").append(labels_text({{"event", name_of(which)}})).append("} ");
        append_number(to, count_of(which));
        to += '\n';
    }
}

}  // namespace

std::string exposition() {
    const registry::contents all = registry::instance().snapshot();
    std::string text;
    append_operations(text, all);
    append_stages(text, all);
    append_events(text);
    text += "# EOF\n";
    return text;
}

}  // namespace aero::metrics
