// GeoJSON as a bin value: whether text is a geometry the server takes. Nothing is indexed, so no cells are computed.
#pragma once

#include <string_view>

namespace aero_server {

enum class geometry : unsigned char { invalid, point, region };

// Accepted are Point, Polygon, MultiPolygon, AeroCircle, and a Feature around one of them.
geometry geometry_of(std::string_view json);

}  // namespace aero_server
