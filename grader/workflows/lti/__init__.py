"""Course systems by LTI 1.3: who they bring, who is in them, which marks they get."""
