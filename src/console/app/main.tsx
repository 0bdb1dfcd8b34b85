import { render } from 'preact';
import { Application } from './application.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/controls.css';
import './styles/figures.css';
import './styles/acting.css';
import './styles/overview.css';

const root = document.getElementById('root');
if (root !== null) render(<Application />, root);
