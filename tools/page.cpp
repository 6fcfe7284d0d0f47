#include "tuco/tools/page.h"

#include <fmt/format.h>

#include "tuco/tools/svg.h"

namespace tuco::tools {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --page: #f9f9f7; --card: #ffffff; --ink: #16150f; --soft: #57564f;
  --grid: #e4e3dc; --edge: #d9d8d0; --fp32: #2a78d6; --int8: #e2642c; --fp32-soft: #2a78d655;
  --int8-soft: #e2642c55; --place: #2a78d6; --scratch: #b98a12; }
@media (prefers-color-scheme: dark) { :root { --page: #121211; --card: #1b1b19; --ink: #f4f3ee;
  --soft: #b5b4ab; --grid: #2f2f2c; --edge: #383834; --fp32: #4a94ee; --int8: #ee7c49;
  --fp32-soft: #4a94ee66; --int8-soft: #ee7c4966; --place: #4a94ee; --scratch: #d9a52c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 2px; }
p { margin: 0 0 12px; color: var(--soft); }
section, .tile { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; }
section { padding: 18px 20px; margin-top: 18px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px;
  margin-top: 20px; }
.tile { padding: 12px 16px; }
.tile b { display: block; font-size: 25px; line-height: 1.3; font-weight: 600; }
.tile span { color: var(--soft); font-size: 13px; }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin: 0 5px 0 12px; }
.key.fp32 { background: var(--fp32); } .key.int8 { background: var(--int8); }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .tick, svg .title { fill: var(--soft); }
svg .grid { stroke: var(--grid); stroke-width: 1; }
svg .roof { stroke-width: 2; } svg .edge { stroke: var(--soft); stroke-width: 2; }
svg path.fp32, svg circle.fp32 { fill: var(--fp32); } svg line.fp32 { stroke: var(--fp32); }
svg path.int8, svg circle.int8 { fill: var(--int8); } svg line.int8 { stroke: var(--int8); }
svg path.fp32-soft { fill: var(--fp32-soft); } svg path.int8-soft { fill: var(--int8-soft); }
svg circle { stroke: var(--card); stroke-width: 1.5; }
svg path:hover, svg circle:hover { filter: brightness(1.2); }
svg .place, svg .lighter, svg .scratch { stroke: var(--card); stroke-width: 1; }
svg .place { fill: var(--place); fill-opacity: 0.75; }
svg .lighter { fill: var(--place); fill-opacity: 0.45; }
svg .scratch { fill: var(--scratch); fill-opacity: 0.8; }
svg rect:hover { fill-opacity: 1; }
.key.place { background: var(--place); } .key.scratch { background: var(--scratch); }
.scroll { overflow-x: auto; } .scroll svg { min-width: 620px; }
td.words { text-align: left; white-space: normal; min-width: 220px; } td.no { font-weight: 700; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { text-align: right; padding: 5px 8px; border-bottom: 1px solid var(--grid);
  white-space: nowrap; }
th { color: var(--soft); font-weight: 500; }
th:first-child, td:first-child { text-align: left; }
)";

}  // namespace

std::string page_begin(const std::string& title, const std::string& heading,
                       const std::string& words) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n"
      "<style>{}</style></head>\n<body><main>\n<h1>{}</h1>\n<p>{}</p>\n",
      escaped(title), kStyle, escaped(heading), escaped(words));
}

std::string page_section(const std::string& title, const std::string& words,
                         const std::string& content) {
  return fmt::format("<section><h2>{}</h2>\n<p>{}</p>\n{}</section>\n", title, words, content);
}

std::string page_tile(const std::string& value, const std::string& name) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", value, name);
}

std::string page_end() { return "</main></body></html>\n"; }

}  // namespace tuco::tools
