# tuco_add_flatbuffers(target folder schema.fbs): compiles the schema with flatc into
# <folder/schema_generated.h>, for the sources of the target alone.
find_program(TUCO_FLATC flatc REQUIRED)
find_path(TUCO_FLATBUFFERS_INCLUDE flatbuffers/flatbuffers.h REQUIRED)
mark_as_advanced(TUCO_FLATC TUCO_FLATBUFFERS_INCLUDE)

function(tuco_add_flatbuffers target folder schema)
  set(include ${CMAKE_CURRENT_BINARY_DIR}/flatbuffers)
  get_filename_component(stem ${schema} NAME_WE)
  set(output ${include}/${folder}/${stem}_generated.h)
  add_custom_command(OUTPUT ${output}
    COMMAND ${TUCO_FLATC} --cpp --cpp-std c++17 --scoped-enums -o ${include}/${folder}
            ${CMAKE_CURRENT_SOURCE_DIR}/${schema}
    DEPENDS ${schema} COMMENT "Compiling ${schema}" VERBATIM)
  add_custom_target(${target}_${stem} DEPENDS ${output})
  add_dependencies(${target} ${target}_${stem})
  target_sources(${target} PRIVATE ${output})
  # Their warnings are not ours.
  target_include_directories(${target} SYSTEM PRIVATE ${include} ${TUCO_FLATBUFFERS_INCLUDE})
endfunction()
