# cleave_embed(OUT_VAR FILE...): makes the files part of the binary, under their paths relative to the
# project, readable with builtin_file() (sim/base/builtin.h). The assembler includes them byte for byte.
function(cleave_embed out_var)
  set(assembly ".section .rodata\n")
  set(externs "")
  set(table "")
  set(index 0)
  set(depends "")
  foreach(file ${ARGN})
    string(APPEND assembly ".global cleave_file_${index}\n.global cleave_file_${index}_end\n"
           "cleave_file_${index}:\n.incbin \"${PROJECT_SOURCE_DIR}/${file}\"\ncleave_file_${index}_end:\n.byte 0\n")
    string(APPEND externs "extern const char cleave_file_${index}[], cleave_file_${index}_end[];\n")
    string(APPEND table "    {\"${file}\", cleave_file_${index}, cleave_file_${index}_end},\n")
    list(APPEND depends ${PROJECT_SOURCE_DIR}/${file})
    math(EXPR index "${index} + 1")
  endforeach()
  string(APPEND assembly ".section .note.GNU-stack,\"\",@progbits\n")
  set(dir ${PROJECT_BINARY_DIR}/embedded)
  file(CONFIGURE OUTPUT ${dir}/data.S CONTENT "${assembly}" @ONLY)
  file(CONFIGURE OUTPUT ${dir}/index.cpp CONTENT "#include \"sim/base/builtin_table.h\"

extern \"C\" {
${externs}}

namespace cleave {
const BuiltinEntry kBuiltinTable[] = {
${table}    {nullptr, nullptr, nullptr},
};
}  // namespace cleave
" @ONLY)
  set_source_files_properties(${dir}/data.S PROPERTIES OBJECT_DEPENDS "${depends}")
  set(${out_var} ${dir}/data.S ${dir}/index.cpp PARENT_SCOPE)
endfunction()
