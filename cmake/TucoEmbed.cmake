# Embeds the text of the C runtime's headers in the library. Included, it defines
# tuco_embed_runtime; run as a script (cmake -P), it writes the C++ file.
#
# tuco_embed_runtime(target header.h ...): the headers, relative to the calling CMakeLists.txt,
# become tuco::deploy::runtime_files() of that target.
function(tuco_embed_runtime target)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE headers)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/runtime_files.cpp)
  string(REPLACE ";" "," joined "${headers}")
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DTUCO_EMBED_OUTPUT=${output} -DTUCO_EMBED_HEADERS=${joined}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${headers} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    COMMENT "Embedding the device runtime" VERBATIM)
  add_custom_target(${target}_runtime_files DEPENDS ${output})
  target_sources(${target} PRIVATE ${output})
  add_dependencies(${target} ${target}_runtime_files)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  string(REPLACE "," ";" headers "${TUCO_EMBED_HEADERS}")
  set(entries "")
  foreach(header IN LISTS headers)
    file(READ ${header} text)
    string(FIND "${text}" ")tuco\"" end)
    if(NOT end EQUAL -1)
      message(FATAL_ERROR "${header} holds the end mark of the literal it is embedded in")
    endif()
    get_filename_component(name ${header} NAME)
    string(APPEND entries "    {\"${name}\", R\"tuco(${text})tuco\"},\n")
  endforeach()
  file(WRITE ${TUCO_EMBED_OUTPUT} "// Written by cmake/TucoEmbed.cmake from deploy/runtime/.
#include \"tuco/deploy/runtime_text.h\"

namespace tuco::deploy {

std::span<const RuntimeFile> runtime_files() {
  static constexpr RuntimeFile kFiles[] = {
${entries}  };
  return kFiles;
}

}  // namespace tuco::deploy
")
endif()
