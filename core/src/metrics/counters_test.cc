#include "metrics/counters.h"

#include <gtest/gtest.h>

#include <set>

#include "aero/metrics.h"

namespace aero::metrics {
namespace {

TEST(counters, each_event_has_a_label_of_its_own) {
    std::set<std::string_view> labels;
    for (unsigned i = 0; i < static_cast<unsigned>(event::count_); ++i) labels.insert(name_of(static_cast<event>(i)));
    EXPECT_EQ(labels.size(), static_cast<size_t>(event::count_));
    EXPECT_FALSE(labels.contains("unknown"));
}

TEST(counters, counted_events_appear_in_the_exposition) {
    const uint64_t before = count_of(event::batch_resplit);
    count(event::batch_resplit);
    count(event::batch_resplit, 4);
    EXPECT_EQ(count_of(event::batch_resplit), before + 5);
    const std::string line =
        "db_client_core_events_total{event=\"batch_resplit\"} " + std::to_string(before + 5) + "\n";
    EXPECT_NE(exposition().find(line), std::string::npos);
}

}  // namespace
}  // namespace aero::metrics
