#include "values/geojson.h"

#include <gtest/gtest.h>

namespace aero_server {
namespace {

TEST(GeoJson, KnowsPointsAndRegions) {
    EXPECT_EQ(geometry_of(R"({"type": "Point", "coordinates": [1.5, 2.5]})"), geometry::point);
    EXPECT_EQ(geometry_of(R"({"coordinates":[[[0,0],[1,0],[1,1],[0,0]]],"type":"Polygon"})"), geometry::region);
    EXPECT_EQ(geometry_of(R"({"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]]]})"), geometry::region);
    EXPECT_EQ(geometry_of(R"({"type":"AeroCircle","coordinates":[[-122.0, 37.5], 1000]})"), geometry::region);
    EXPECT_EQ(
        geometry_of(R"({"type":"Feature","properties":{"a":"\"x"},"geometry":{"type":"Point","coordinates":[0,0]}})"),
        geometry::point);
}

TEST(GeoJson, RefusesTextThatIsNoGeometry) {
    for (const char* text :
         {"", "{", "1", "[]", "{}", R"({"type":"Point"})", R"({"type":"Point","coordinates":[1]})",
          R"({"type":"Point","coordinates":[181,0]})", R"({"type":"Point","coordinates":[0,91]})",
          R"({"type":"Point","coordinates":["a","b"]})", R"({"type":"Line","coordinates":[1,2]})",
          R"({"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]})", R"({"type":"Polygon","coordinates":[]})",
          R"({"type":"Feature"})", R"({"type":"AeroCircle","coordinates":[[0,0],-1]})",
          R"({"type":"Point","coordinates":[1,2]} x)", R"({"type":"Point","coordinates":[1,1e999]})"})
        EXPECT_EQ(geometry_of(text), geometry::invalid) << text;
}

TEST(GeoJson, RefusesNestingWithoutEnd) { EXPECT_EQ(geometry_of(std::string(100000, '[')), geometry::invalid); }

}  // namespace
}  // namespace aero_server
