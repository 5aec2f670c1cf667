/** A field for one parameter, by its kind. */
import { Checkbox, NativeSelect, NumberInput, TextInput } from "@mantine/core";
import type { Param, ParamValue } from "../../api/types";

interface ParamFieldProps {
  param: Param;
  value: ParamValue;
  onChange: (value: ParamValue) => void;
}

export function ParamField({ param, value, onChange }: ParamFieldProps) {
  const shared = { label: param.name, description: param.description ?? undefined };
  switch (param.kind) {
    case "boolean":
      return <Checkbox {...shared} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
    case "choice":
      return <NativeSelect {...shared} data={param.choices} value={String(value)} onChange={(event) => onChange(event.currentTarget.value)} />;
    case "number":
      return <NumberInput {...shared} required={param.default === null} value={value === "" ? "" : Number(value)} onChange={onChange} />;
    case "string":
      return (
        <TextInput
          {...shared}
          required={param.default === null}
          value={String(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}
