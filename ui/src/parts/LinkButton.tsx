/** A link that looks like a button: for what leads somewhere rather than does something. */
import { Button, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";

type AnchorProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps>;

interface LinkButtonProps extends ButtonProps, AnchorProps {
  ref?: Ref<HTMLAnchorElement>;
}

function AnchorButton(props: LinkButtonProps) {
  return <Button component="a" {...props} />;
}

export const LinkButton = createLink(AnchorButton);
