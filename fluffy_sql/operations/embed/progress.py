"""Who is notified as photos are embedded."""


class EmbedProgress:
    """Is notified as photos are embedded; does nothing. Override what you want to show."""

    def phase(self, name: str) -> None:
        """Something begins that may take long."""

    def planned(self, photos: int) -> None:
        """So many photos are going to be embedded."""

    def photos(self, done: int) -> None:
        """So many are done."""
